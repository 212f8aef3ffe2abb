"""The management center: the pipeline, the incidents' life, dashboard, accounts."""
