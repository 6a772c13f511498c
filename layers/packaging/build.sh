#!/bin/sh
# What `sam build` runs for each function and layer: in a copy of its folder, with its name, and with ARTIFACTS_DIR set.
# There is one folder beside this one for each ARCHITECTURE, since that is how the template can choose.
set -eu
here=$(dirname "$0")
case $1 in
*Layer) artifact=$ARTIFACTS_DIR/python ;; # where Lambda looks for a layer's packages
*) artifact=$ARTIFACTS_DIR ;;
esac
python=$(sh "$here/find-python.sh")
exec "$python" "$here/build.py" . "$artifact" "$ARCHITECTURE"
