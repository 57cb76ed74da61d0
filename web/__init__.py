"""The page in the browser: ``matcalc serve``. It asks the public names of matcalc alone, in processes with limits."""
