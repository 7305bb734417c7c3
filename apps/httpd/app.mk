APP_httpd_LIBS := http
# It handles bytes from outside.
APP_httpd_ISOLATION := user
