#!/bin/sh
# The database of this example: a line in a file of the volume for each visit.
date >> /data/visits
printf 'Content-Type: text/plain\r\n\r\n%s\n' "$(wc -l < /data/visits)"
