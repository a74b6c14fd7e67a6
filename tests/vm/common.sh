# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# The functions and variables of all scripts under tests/: paths, the names of kernels, and error messages.
# Sourced with TOP set to the top of the source tree.

cache=${TQUEUE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tqueue}
build=$TOP/build
export cache build

# Root runs this, but the tree may belong to another user.
GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$TOP
export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0

# The kernels that tqueue is held to, by the names used everywhere: release, and flavour unless it is the cloud kernel.
boot_kernels="6.1 6.12 7.2"
build_kernels="6.1-amd64 6.1-rt 6.12-amd64 6.12-rt 7.2-amd64 7.2-rt"
# Those of other architectures, by Debian's name for the architecture, with an ending where the pages are larger than usual.
other_kernels="arm64 s390x i386 armhf riscv64 ppc64el arm64-16k ppc64el-64k"
export boot_kernels build_kernels other_kernels

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# need COMMAND PACKAGE: stop with the cure if COMMAND is missing.
need() {
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ||
		die "'$1' is missing; install it with: apt-get install $2"
}

# packaged NAME COMMANDS [TREE]: makes, once, a directory in the cache from Debian's packages, and prints its path. The shell commands
# run in /root of a copy of the tools tree, or of TREE, and leave the content in it/. A change of the script that calls this makes it
# again.
packaged() {
	from=${3:-tools}
	"$TOP/tests/vm/root" "$from" >/dev/null
	key=$(cat "$0" "$cache/roots/$from/recipe" | sha256sum | cut -c 1-16)
	home=$cache/$1-$key
	exec 9>"$cache/$1.lock"
	flock 9
	if [ ! -d "$home" ]; then
		need_root
		rm -rf "$cache/$1"-*
		new=$(mktemp -d "$cache/$1.XXXXXX")
		trap 'rm -rf "$new"' EXIT
		"$TOP/tests/vm/enter" --copy "$new/copy" "$from" sh -euc "cd /root; apt-get -qq update; $2" >&2 ||
			die "cannot make the $1 from Debian's packages; check the network and the mirror, then try again"
		mv -T "$new/copy/changes/root/it" "$home"
	fi
	echo "$home"
}

need_root() {
	[ "$(id -u)" = 0 ] || die "needs root (it makes and enters Debian trees); run it with sudo"
}

# The tree of tests/vm/root that has a kernel: 6.1-rt -> bookworm; another architecture's kernel has a tree of its own.
tree_of() {
	case $1 in
	6.1 | 6.1-*) echo bookworm ;;
	6.12 | 6.12-*) echo trixie ;;
	7.2 | 7.2-*) echo sid ;;
	*)
		is_other "$1" || die "unknown kernel '$1'; known: 6.1, 6.12 and 7.2, each plain (cloud kernel) or with -amd64 or -rt;" \
			"of other architectures: $other_kernels"
		echo "$1"
		;;
	esac
}

# is_other KERNEL: is it a kernel of another architecture?
is_other() {
	case " $other_kernels " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# page_of KERNEL: the bytes of its pages: arm64-16k -> 16384
page_of() {
	case $1 in
	*-16k) echo 16384 ;;
	*-64k) echo 65536 ;;
	*) echo 4096 ;;
	esac
}

# Debian's name for the architecture of a kernel: arm64-16k -> arm64
architecture_of() {
	is_other "$1" || {
		echo amd64
		return
	}
	echo "${1%%-*}"
}

# The compiler's name for an architecture: arm64 -> aarch64-linux-gnu
triplet_of() {
	case $1 in
	amd64) echo x86_64-linux-gnu ;;
	arm64) echo aarch64-linux-gnu ;;
	armhf) echo arm-linux-gnueabihf ;;
	i386) echo i686-linux-gnu ;;
	ppc64el) echo powerpc64le-linux-gnu ;;
	riscv64 | s390x) echo "$1-linux-gnu" ;;
	*) die "unknown architecture '$1'" ;;
	esac
}

# Where an architecture's libraries lie below /usr/lib: i386 -> i386-linux-gnu
multiarch_of() {
	triplet_of "$1" | sed s/i686/i386/
}

# The ending of the release name of a kernel: 6.1-rt -> rt-amd64
flavour_of() {
	case $1 in
	arm64) echo cloud-arm64 ;;
	armhf) echo armmp-lpae ;;
	i386) echo 686-pae ;;
	ppc64el | ppc64el-64k) echo "powerpc64le${1#ppc64el}" ;;
	arm64-16k | riscv64 | s390x) echo "$1" ;;
	*-rt) echo rt-amd64 ;;
	*-amd64) echo amd64 ;;
	*-*) die "unknown kernel flavour in '$1'; known: -amd64 and -rt" ;;
	*) echo cloud-amd64 ;;
	esac
}

# slow_of KERNEL: how much slower than Debian's own a kernel is (a sanitizer kernel by its name), as far as time limits go.
slow_of() {
	case $1 in
	kasan | kcsan | rt) echo 5 ;;
	*) echo 1 ;;
	esac
}

# release_of TREE KERNEL: the full release name of the newest such kernel with headers in TREE: 6.1.0-44-rt-amd64
release_of() {
	flavour=$(flavour_of "$2") || exit 1
	release=$(cd "$1/usr/src" && for headers in linux-headers-*; do
		case $headers in
		*-common | *-common-rt) ;;
		*-"$flavour")
			case ${headers%"-$flavour"} in
			*-cloud | *-rt) ;;
			*) echo "${headers#linux-headers-}" ;;
			esac ;;
		esac
	done | sort -V | tail -n 1)
	[ -n "$release" ] || die "no $flavour headers in $1; delete the tree to have it made anew"
	echo "$release"
}

# same_dkms SUITE SUITE: do the trees of these releases have the same version of DKMS? Not so if one of them is not made yet.
same_dkms() {
	versions=$(for tree; do
		# shellcheck disable=SC2016 # dpkg-query's variable
		dpkg-query --admindir="$cache/roots/$tree/tree/var/lib/dpkg" -W -f '${source:Upstream-Version}\n' dkms 2>/dev/null || echo "$tree"
	done | sort -u | wc -l)
	[ "$versions" = 1 ]
}
