#!/bin/sh
# Lays data/: the slot values from Faker and the common words from SCOWL. Needs python3 with venv, apt-get and dpkg.
set -eu
cd "$(dirname "$0")"
mkdir -p data
python3 -m venv data/venv
data/venv/bin/pip -q install -r requirements.txt
data/venv/bin/python extract.py data
if [ ! -f data/common.txt ]; then
    (cd data && apt-get download wamerican-small=2020.12.07-2 && dpkg -x wamerican-small_*.deb words)
    # Words without capitals and without an apostrophe.
    grep -E '^[a-z]+$' data/words/usr/share/dict/american-english-small > data/common.txt
fi
wc -l data/values.tsv data/common.txt
