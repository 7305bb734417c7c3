APP_httpd_LIBS := http
