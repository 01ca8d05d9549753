printf 'cluster:\n  name: pr\xffod\n' > environments/prod/environment.yaml
