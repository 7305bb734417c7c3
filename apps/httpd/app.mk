APP_httpd_LIBS := boot_files http files json look
# It handles bytes from outside.
APP_httpd_ISOLATION := user
