"""Programs as people write them: networks, losses, likelihoods, filters; each with the names to differentiate by."""

from __future__ import annotations

PROGRAMS: dict[str, tuple[str, str]] = {
    "three-layer classifier": (
        """
        X: matrix(N, d)
        W1: matrix(d, h1)
        c1: row(h1)
        W2: matrix(h1, h2)
        c2: row(h2)
        W3: matrix(h2, K)
        c3: row(K)
        Y: onehot(N, K)
        lam: scalar
        A1 = relu(X*W1 + c1)
        A2 = tanh(A1*W2 + c2)
        Z = A2*W3 + c3
        P = softmax(Z, axis=1)
        data = -(1/N)*sum(Y .* log(P))
        L = data + lam/2*(norm2(W1)^2 + norm2(W2)^2 + norm2(W3)^2)
        """,
        "W1,c1,W2,c2,W3,c3",
    ),
    "classifier by columns": (
        """
        x: vector(d)
        y: onehot(K)
        W1: matrix(h, d)
        b1: vector(h)
        W2: matrix(K, h)
        b2: vector(K)
        z1 = W1*x + b1
        a = softplus(z1)
        z2 = W2*a + b2
        L = logsumexp(z2) - y'*z2
        """,
        "W1,b1,W2,b2,x",
    ),
    "attention": (
        """
        X: matrix(T, d)
        Wq: matrix(d, k)
        Wk: matrix(d, k)
        Wv: matrix(d, v)
        Wo: matrix(v, d)
        Y: matrix(T, d)
        Q = X*Wq
        Kx = X*Wk
        V = X*Wv
        S = Q*Kx'/sqrt(k)
        A = softmax(S, axis=1)
        O = A*V*Wo
        L = 1/2*norm2(O - Y)^2
        """,
        "Wq,Wk,Wv,Wo,X",
    ),
    "masked attention": (
        """
        Q: matrix(T, k)
        Kx: matrix(S, k)
        V: matrix(S, v)
        M: matrix(T, S)
        R: matrix(T, v)
        E = exp(Q*Kx'/sqrt(k)) .* (M .* M)
        Z = sum(E, axis=1)
        A = diag(1 ./ Z)*E
        O = A*V
        L = sum(R .* O)
        """,
        "Q,Kx,V",
    ),
    "attention in one line": (
        """
        X: matrix(T, d)
        Wq: matrix(d, k)
        Wk: matrix(d, k)
        Wv: matrix(d, v)
        Y: matrix(T, v)
        O = softmax(X*Wq*(X*Wk)'/sqrt(k), axis=1)*X*Wv
        L = norm2(O - Y)^2
        """,
        "Wq,Wk,Wv",
    ),
    "recurrent cell": (
        """
        U: matrix(n, d)
        W: matrix(n, n)
        b: vector(n)
        c: vector(n)
        x1: vector(d)
        x2: vector(d)
        x3: vector(d)
        h0: vector(n)
        y: scalar
        h1 = tanh(W*h0 + U*x1 + b)
        h2 = tanh(W*h1 + U*x2 + b)
        h3 = tanh(W*h2 + U*x3 + b)
        yhat = c'*h3
        L = (yhat - y)^2/2
        """,
        "W,U,b,c,h0",
    ),
    "recurrent loop": (
        """
        W: matrix(n, n)
        U: matrix(n, d)
        C: matrix(p, n)
        h0: vector(n)
        for t in 1..4: x{t}: vector(d)
        for t in 1..4: y{t}: vector(p)
        for t in 1..4: h{t} = sigmoid(W*h{t-1} + U*x{t})
        e0 = 0
        for t in 1..4: e{t} = e{t-1} + norm2(C*h{t} - y{t})^2
        L = e4/2
        """,
        "W,U,C,h0",
    ),
    "gated recurrent unit": (
        """
        x: vector(d)
        h: vector(n)
        Wz: matrix(n, d)
        Uz: matrix(n, n)
        Wr: matrix(n, d)
        Ur: matrix(n, n)
        Wc: matrix(n, d)
        Uc: matrix(n, n)
        t: vector(n)
        z = sigmoid(Wz*x + Uz*h)
        r = sigmoid(Wr*x + Ur*h)
        c = tanh(Wc*x + Uc*(r .* h))
        g = (1 - z) .* h + z .* c
        L = norm2(g - t)^2
        """,
        "Wz,Uz,Wr,Ur,Wc,Uc,h",
    ),
    "long short-term memory": (
        """
        x: vector(p)
        h: vector(n)
        c: vector(n)
        Wi: matrix(n, n + p)
        Wf: matrix(n, n + p)
        Wo: matrix(n, n + p)
        Wg: matrix(n, n + p)
        v: vector(n)
        u = [h; x]
        i1 = sigmoid(Wi*u)
        f1 = sigmoid(Wf*u)
        o1 = sigmoid(Wo*u)
        g1 = tanh(Wg*u)
        cn = f1 .* c + i1 .* g1
        hn = o1 .* tanh(cn)
        L = v'*hn
        """,
        "Wi,Wf,Wo,Wg,h,c,x",
    ),
    "layer norm": (
        """
        X: matrix(N, d)
        g: row(d)
        b: row(d)
        T: matrix(N, d)
        eps: scalar, positive
        C = X - mean(X, axis=1)*ones(1, d)
        s = sqrt(mean(C.^2, axis=1) + eps)
        H = diag(1 ./ s)*C
        Y = H*diag(g) + b
        L = 1/2*norm2(Y - T)^2
        """,
        "X,g,b",
    ),
    "batch norm": (
        """
        X: matrix(N, d)
        g: row(d)
        b: row(d)
        T: matrix(N, d)
        eps: scalar, positive
        mu = mean(X, axis=0)
        C = X - ones(N, 1)*mu
        v = mean(C.^2, axis=0)
        H = C ./ (ones(N, 1)*sqrt(v + eps))
        Y = H .* (ones(N, 1)*g) + b
        L = sum((Y - T).^2)/N
        """,
        "X,g,b",
    ),
    "rms norm": (
        """
        x: vector(d)
        g: vector(d)
        W: matrix(k, d)
        t: vector(k)
        eps: scalar, positive
        r = sqrt(x'*x/d + eps)
        n1 = g .* x/r
        y = W*n1
        L = norm2(y - t)^2
        """,
        "x,g,W",
    ),
    "residual blocks": (
        """
        x0: vector(n)
        y: vector(n)
        for i in 1..3: W{i}: matrix(m, n)
        for i in 1..3: V{i}: matrix(n, m)
        for i in 1..3: x{i} = x{i-1} + V{i}*relu(W{i}*x{i-1})
        L = 1/2*norm2(x3 - y)^2
        """,
        "W1,W2,W3,V1,V2,V3,x0",
    ),
    "contrastive loss": (
        """
        A: matrix(N, d)
        B: matrix(N, d)
        tau: scalar, positive
        S = A*B'/tau
        L = (sum(logsumexp(S, axis=1)) - tr(S))/N
        """,
        "A,B,tau",
    ),
    "contrastive encoder": (
        """
        X1: matrix(N, p)
        X2: matrix(N, q)
        W: matrix(p, d)
        V: matrix(q, d)
        U1 = X1*W
        U2 = X2*V
        n1 = sqrt(sum(U1.^2, axis=1))
        n2 = sqrt(sum(U2.^2, axis=1))
        Z1 = diag(1 ./ n1)*U1
        Z2 = diag(1 ./ n2)*U2
        S = 10*Z1*Z2'
        P = softmax(S, axis=1)
        L = -sum(log(diag(P)))/N
        """,
        "W,V",
    ),
    "triplet loss": (
        """
        W: matrix(k, d)
        x: vector(d)
        p: vector(d)
        n: vector(d)
        m: scalar
        near = norm2(W*x - W*p)^2
        far = norm2(W*x - W*n)^2
        L = max(0, m + near - far)
        """,
        "W,x,p,n",
    ),
    "variational autoencoder": (
        """
        x: vector(d)
        eps: vector(k)
        W: matrix(h, d)
        Wm: matrix(k, h)
        Ws: matrix(k, h)
        V: matrix(d, k)
        c: vector(d)
        h1 = tanh(W*x)
        mu = Wm*h1
        ls = Ws*h1
        z = mu + exp(ls/2) .* eps
        xhat = V*z + c
        rec = 1/2*norm2(x - xhat)^2
        kl = 1/2*sum(exp(ls) + mu.^2 - 1 - ls)
        L = rec + kl
        """,
        "W,Wm,Ws,V,c",
    ),
    "bernoulli autoencoder": (
        """
        X: matrix(N, d)
        E: matrix(N, k)
        M: matrix(N, k)
        S: matrix(N, k)
        V: matrix(k, d)
        b: row(d)
        Z = M + exp(S) .* E
        F = Z*V + b
        L = sum(softplus(F) - X .* F)/N + 1/2*sum(M.^2 + exp(2*S) - 2*S - 1)/N
        """,
        "M,S,V,b",
    ),
    "gaussian process": (
        """
        X: matrix(n, d)
        y: vector(n)
        w: vector(d)
        s: scalar, positive
        Kx = X*diag(w)*X' + s*eye(n)
        L = 1/2*y'*inv(Kx)*y + 1/2*logdet(Kx)
        """,
        "w,s,y",
    ),
    "gaussian process with a kernel": (
        """
        X: matrix(n, d)
        y: vector(n)
        a: scalar, positive
        l: scalar, positive
        s: scalar, positive
        G = X*X'
        g = diag(G)
        D = g*ones(1, n) + ones(n)*g' - 2*G
        R = a^2*exp(-D/(2*l^2))
        Kx = R + s^2*eye(n)
        L = 1/2*y'*inv(Kx)*y + 1/2*logdet(Kx)
        """,
        "a,l,s,X",
    ),
    "mixture of experts": (
        """
        x: vector(d)
        y: scalar
        G: matrix(k, d)
        B: matrix(k, d)
        p = softmax(G*x)
        m = B*x
        e = exp(-(m - y).^2/2)
        L = -log(p'*e)
        """,
        "G,B,x",
    ),
    "expectation maximization": (
        """
        X: matrix(N, d)
        R: matrix(N, k)
        M: matrix(k, d)
        pi1: simplex(k)
        D = sum(X.^2, axis=1)*ones(1, k) + ones(N)*sum(M.^2, axis=1)' - 2*X*M'
        Q = sum(R .* (ones(N)*log(pi1)' - D/2))
        """,
        "M,pi1,R",
    ),
    "matrix factorization": (
        """
        A: matrix(m, n)
        W: matrix(m, n)
        U: matrix(m, r)
        V: matrix(n, r)
        b: vector(m)
        c: vector(n)
        lam: scalar
        E = A - U*V' - b*ones(1, n) - ones(m)*c'
        L = 1/2*sum(W .* E.^2) + lam/2*(norm2(U)^2 + norm2(V)^2)
        """,
        "U,V,b,c",
    ),
    "tensor factorization": (
        """
        A: matrix(m, n)
        U: matrix(m, r)
        V: matrix(n, r)
        w: vector(r)
        R = U*diag(w)*V' - A
        L = tr(R'*R)
        """,
        "U,V,w",
    ),
    "kalman filter": (
        """
        F: matrix(n, n)
        H: matrix(p, n)
        Q: spd(n)
        R: spd(p)
        P0: spd(n)
        x0: vector(n)
        z: vector(p)
        xp = F*x0
        P = F*P0*F' + Q
        v = z - H*xp
        S = H*P*H' + R
        L = 1/2*v'*inv(S)*v + 1/2*logdet(S)
        """,
        "F,H,Q,R,P0,x0",
    ),
    "kalman gain": (
        """
        P: spd(n)
        H: matrix(p, n)
        R: spd(p)
        G: matrix(n, p)
        B = eye(n) - G*H
        J = tr(B*P*B' + G*R*G')
        """,
        "G,P,R,H",
    ),
    "logistic regression": (
        """
        X: matrix(n, d)
        y: vector(n)
        w: vector(d)
        b: scalar
        z = X*w + b
        p = sigmoid(z)
        L = -(1/n)*sum(y .* log(p) + (1 - y) .* log(1 - p))
        """,
        "w,b,X,y,z",
    ),
    "undefined layers": (
        """
        for i in 1..3: s{i}: function
        x: vector(n0)
        for i in 1..3: A{i}: matrix(n, n)
        A0: matrix(n, n0)
        for i in 1..3: b{i}: vector(n)
        y: vector(n)
        f0 = A0*x
        for i in 1..3: f{i} = s{i}(A{i}*f{i-1} + b{i})
        L = norm2(y - f3)^2
        """,
        "A0,A1,A2,A3,b1,b2,b3,x,f1,f2",
    ),
    "undefined vector functions": (
        """
        x: vector(n)
        g: function(vector(n)) -> vector(m)
        k: function(vector(n)) -> vector(m)
        l: function(vector(m), vector(m)) -> scalar
        W: matrix(m, m)
        u = g(x)
        v = W*k(x)
        L = l(u, v)
        """,
        "x,W,u,v",
    ),
    "scalars": (
        """
        x: scalar
        a = x^2
        b = exp(a)
        c = a + b
        d = sqrt(c)
        e = cos(c)
        f = d + e
        """,
        "x,a,b,c,d,e",
    ),
    "diamond": (
        """
        x1: scalar
        g2: function
        g3: function
        g4: function(scalar, scalar) -> scalar
        x2 = g2(x1)
        x3 = g3(x1)
        x4 = g4(x2, x3)
        x5 = g4(x4, x2)
        """,
        "x1,x2,x3,x4",
    ),
    "bilinear pooling": (
        """
        X: matrix(n, d)
        W: symmetric(d)
        v: vector(d)
        t: scalar
        B = X'*X/n
        m = v'*W*B*W*v
        L = (m - t)^2
        """,
        "W,v,X",
    ),
    "graph convolution": (
        """
        A: symmetric(n)
        X: matrix(n, d)
        W1: matrix(d, h)
        W2: matrix(h, k)
        Y: onehot(n, k)
        deg = sum(A, axis=1)
        S = diag(1 ./ sqrt(deg))*A*diag(1 ./ sqrt(deg))
        H = relu(S*X*W1)
        Z = S*H*W2
        L = sum(logsumexp(Z, axis=1)) - sum(Y .* Z)
        """,
        "W1,W2",
    ),
    "low-rank adapter": (
        """
        W: matrix(m, n)
        A: matrix(r, n)
        B: matrix(m, r)
        X: matrix(n, N)
        T: matrix(m, N)
        al: scalar
        V = W + al*B*A
        E = V*X - T
        L = norm2(E)^2/(2*N)
        """,
        "A,B,al",
    ),
    "highway": (
        """
        x: vector(n)
        W: matrix(n, n)
        V: matrix(n, n)
        c: vector(n)
        t = sigmoid(V*x + c)
        y = t .* relu(W*x) + (1 - t) .* x
        L = sum(y.^2)
        """,
        "W,V,c,x",
    ),
    "elastic net of a layer": (
        """
        X: matrix(N, d)
        W: matrix(d, k)
        Y: matrix(N, k)
        a: scalar
        b: scalar
        R = X*W - Y
        L = 1/(2*N)*norm2(R)^2 + a*norm1(W) + b/2*norm2(W)^2
        """,
        "W",
    ),
    "whitening": (
        """
        X: matrix(N, d)
        W: matrix(d, d)
        Y = X*W
        S = Y'*Y/N
        L = tr(S) - logdet(S) + norm2(S - eye(d))^2
        """,
        "W,X",
    ),
    "sampled sums": (
        """
        X: matrix(N, d)
        w: vector(d)
        y: vector(N)
        L = sum(n, (X[n, :]*w - y[n])^2)/(2*N)
        M = L + w'*w
        """,
        "w",
    ),
    "poisson factor model": (
        """
        Y: matrix(n, p)
        Z: matrix(n, k)
        B: matrix(k, p)
        o: vector(n)
        E = Z*B + o*ones(1, p)
        L = sum(exp(E) - Y .* E) + 1/2*norm2(Z)^2
        """,
        "Z,B,o",
    ),
    "student likelihood": (
        """
        x: vector(d)
        m: vector(d)
        S: spd(d)
        v: scalar, positive
        q = (x - m)'*inv(S)*(x - m)
        L = lgamma(v/2) - lgamma((v + d)/2) + d/2*log(v) + 1/2*logdet(S) + (v + d)/2*log(1 + q/v)
        """,
        "x,m,S,v",
    ),
    "two heads": (
        """
        X: matrix(T, d)
        for i in 1..2: Q{i}: matrix(d, k)
        for i in 1..2: K{i}: matrix(d, k)
        for i in 1..2: V{i}: matrix(d, v)
        for i in 1..2: O{i}: matrix(v, d)
        for i in 1..2: H{i} = softmax(X*Q{i}*(X*K{i})'/sqrt(k), axis=1)*X*V{i}*O{i}
        Z = X + H1 + H2
        L = norm2(Z)^2
        """,
        "Q1,K1,V1,O1,X",
    ),
    "sparse gaussian process": (
        """
        Kmm: spd(m)
        Knm: matrix(n, m)
        y: vector(n)
        s: scalar, positive
        mu: vector(m)
        a = Knm*inv(Kmm)*mu
        fit = norm2(y - a)^2/(2*s^2)
        kl = 1/2*mu'*inv(Kmm)*mu
        L = fit + kl + n*log(s)
        """,
        "mu,s,Knm,Kmm",
    ),
    "mixture of gaussians": (
        """
        x: vector(d)
        for j in 1..3: m{j}: vector(d)
        for j in 1..3: S{j}: spd(d)
        for j in 1..3: q{j} = -1/2*(x - m{j})'*inv(S{j})*(x - m{j}) - 1/2*logdet(S{j})
        L = logsumexp([q1; q2; q3])
        """,
        "m1,S2,x",
    ),
    "residual steps": (
        """
        x0: vector(n)
        A: matrix(n, n)
        B: matrix(n, n)
        dt: scalar
        t: vector(n)
        for i in 1..4: x{i} = x{i-1} + dt*B*tanh(A*x{i-1})
        L = norm2(x4 - t)^2
        """,
        "A,B,dt,x0",
    ),
    "normalizing flow": (
        """
        x: vector(n)
        W: matrix(n, n)
        b: vector(n)
        z = W*x + b
        u = tanh(z)
        L = -logdet(W'*W)/2 - sum(log(1 - u.^2)) + u'*u/2
        """,
        "W,b,x",
    ),
    "hyperbolic distance": (
        """
        x: vector(n)
        y: vector(n)
        a = 1 - x'*x
        b = 1 - y'*y
        d = 1 + 2*norm2(x - y)^2/(a*b)
        L = log(d + sqrt(d^2 - 1))
        """,
        "x,y",
    ),
    "evidence of a linear model": (
        """
        X: matrix(n, d)
        y: vector(n)
        a: scalar, positive
        b: scalar, positive
        A = a*eye(d) + b*X'*X
        m = b*inv(A)*X'*y
        E = b/2*norm2(y - X*m)^2 + a/2*m'*m
        L = d/2*log(a) + n/2*log(b) - E - 1/2*logdet(A)
        """,
        "a,b",
    ),
    "two gaussians": (
        """
        S1: spd(n)
        S2: spd(n)
        m1: vector(n)
        m2: vector(n)
        e = m2 - m1
        L = 1/2*(tr(inv(S2)*S1) + e'*inv(S2)*e - n + logdet(S2) - logdet(S1))
        """,
        "S1,S2,m1,m2",
    ),
}
