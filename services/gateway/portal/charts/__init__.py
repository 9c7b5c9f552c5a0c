"""Charts of the pages: drawn as SVG on the server, each with its table, as SVG, PNG and CSV."""
