"""Makes the offline parser's model: `python -m halo_engine.parsing.training`. Nothing at run time imports this package.

The road: sentences of our own (`sentences/*.yaml`, read by `grammar`) and third-party sets (`public`) become `Example`s; `noise` makes them
as untidy as real ones; `network` learns them; `export` writes the ONNX file; `figures` measures it on what was never trained on.
"""
