APP_httpd_LIBS := http files
# It handles bytes from outside.
APP_httpd_ISOLATION := user
