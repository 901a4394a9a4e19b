"""What charts/goaround has from elsewhere, made from where it is at home: `hack/gen-chart`."""
