#!/bin/sh
# Makes static/noto-sans-*.woff2 anew: the letters of European languages in Latin script, without hints, with the
# licence in the file. Needs Debian's fonts-noto-core, fonts-noto-extra, python3-fonttools and python3-brotli; a
# build needs none of them.
set -eu
cd "$(dirname "$0")/static"
fonts=${FONTS:-/usr/share/fonts/truetype/noto}
letters='U+0020-017F,U+0192,U+0218-021B,U+02C6,U+02DA,U+02DC,U+1E9E,U+2009-2015,U+2018-201E,U+2020-2022,U+2026,U+202F,U+2030,U+2032,U+2033,U+2039,U+203A,U+2044,U+20AC,U+2116,U+2122,U+2190-2193,U+2212,U+2248,U+2260,U+2264,U+2265'
while read -r weight name; do
	/usr/bin/python3 -m fontTools.subset "$fonts/NotoSans-$name.ttf" --unicodes="$letters" \
		--layout-features=kern,liga,mark,mkmk,ccmp,locl,tnum,lnum,case --name-IDs=0,1,2,3,4,5,6,13,14 \
		--no-hinting --flavor=woff2 --output-file="noto-sans-$weight.woff2"
done <<WEIGHTS
400 Regular
600 SemiBold
700 Bold
WEIGHTS
