"""What ``derive`` does and returns: the pipeline, the layout, the steps, every form of output."""
