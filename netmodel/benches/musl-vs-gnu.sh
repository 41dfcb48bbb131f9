#!/usr/bin/env bash
# Parses the same texts with a musl and a gnu build, by one and by two threads, and prints how much faster gnu is. The static
# builds must stay within 1.3 times of the others. Run it on a machine with two idle cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
# criterion's one C function needs a C compiler, but nothing of a C library: the host's will do.
export CC_x86_64_unknown_linux_musl=${CC_x86_64_unknown_linux_musl:-gcc}
run() { cargo bench -q -p coldpath-netmodel --bench threads --target "x86_64-unknown-linux-$1"; }
musl=$(run musl)
gnu=$(run gnu)
printf '%-26s %7s %10s %10s %10s\n' format threads "gnu MB/s" "musl MB/s" "gnu/musl"
paste -d' ' <(echo "$gnu") <(echo "$musl") |
  awk '{ printf "%-26s %7s %10s %10s %10.2f\n", $1, $2, $3, $6, $3 / $6 }'
