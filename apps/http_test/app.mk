APP_http_test_LIBS := http
# It handles bytes from outside.
APP_http_test_ISOLATION := user
