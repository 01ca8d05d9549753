ln -s /etc/hostname components/web/values/extra.yaml.hbs 2>/dev/null || { mkdir components/web/values; ln -s /etc/hostname components/web/values/extra.yaml.hbs; }
