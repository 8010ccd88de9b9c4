"""From runs to a calibrator: samples, four disjoint parts, a stacker, a scale, certified thresholds."""
