"""Jobs, the catalogue and the store: knows neither Discord nor HTTP."""
