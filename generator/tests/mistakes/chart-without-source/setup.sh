rm components/web/values.yaml.hbs
