rm -r environments/prod
