#!/bin/sh
# The proxy: the only one that is reached from outside.
if ! page=$(timeout 5 wget -q -O - http://app/); then
    printf 'Status: 502 Bad Gateway\r\nContent-Type: text/plain\r\n\r\nthe application does not answer\n'
    exit
fi
printf 'Content-Type: text/html\r\n\r\n%s\n' "$page"
