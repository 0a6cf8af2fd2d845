#!/bin/sh
# Renders the page: ./build.sh [FOLDER], by default dist/ beside this script. TITLE and GREETING can be given.
set -eu
here=$(dirname "$0")
out=${1:-"$here/dist"}
# A slash, an ampersand or a backslash would mean something to sed.
escaped() { printf '%s' "$1" | sed 's/[\/&\\]/\\&/g'; }
title=$(escaped "${TITLE:-Hello from REIGN}")
greeting=$(escaped "${GREETING:-This page was built, started and checked by a plan.}")
mkdir -p "$out"
sed -e "s/@TITLE@/$title/g" -e "s/@GREETING@/$greeting/g" "$here/index.template.html" > "$out/index.html"
echo "built $out/index.html"
