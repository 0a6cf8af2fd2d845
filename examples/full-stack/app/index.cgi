#!/bin/sh
# The application: asks the store, makes a page.
if ! count=$(timeout 3 wget -q -O - http://store/); then
    printf 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nthe store does not answer\n'
    exit
fi
printf 'Content-Type: text/html\r\n\r\n<h1>Hello</h1>\n<p>This is visit number %s.</p>\n' "$count"
