"""The builder: Markdown with examples that are run, a gallery from data, a reference from docstrings.

Our own, because nearly everything on the pages is output of the engine: in a general generator each kind of it
would be a plugin, and its theme would have to be kept from fetching fonts and scripts.
"""
