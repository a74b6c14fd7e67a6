# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# What the tests of the package share: reporting checks, ending a test, and making
# packages to upgrade to.  Sourced by each test.
#
# Every test says at its top whether it needs a machine that was booted with
# this system's own kernel, or whether a chroot will do.  Environment:
#	AUTOPKGTEST_ARTIFACTS	where logs are left
#	TQUEUE_TEST_DEBS	packages that test-debs made; else made here
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

tests=$(cd "$(dirname "$0")" && pwd)
test=$(basename "$0")
work=$(mktemp -d)
artifacts=${AUTOPKGTEST_ARTIFACTS:-/tmp/tqueue-tests}/$test
mkdir -p "$artifacts"
device=/dev/tqueue
kernel=$(uname -r)
export tqueue_module=/usr/libexec/tqueue-dkms/tqueue-module

fail() {
	echo "FAIL: $*"
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

# The words of words.sh: a check that fails ends the test.
no() {
	fail "$@"
}
# shellcheck source=debian/tests/words.sh
. "$tests/words.sh"
ok() {
	echo "ok: $*"
}

# in_container_or_chroot, or booted with a foreign kernel: no module can be loaded.
needs_booted_machine() {
	if ! [ -S /run/udev/control ] || ischroot; then
		skip "needs a machine booted with this system's kernel, and this is a chroot or container"
	fi
	[ -e "/lib/modules/$kernel/build/include" ] ||
		skip "the headers of the running kernel are not installed (linux-headers-$kernel)"
	log_from begins
	first_marker=$marker
	booted=yes
}
booted=no

# A kernel that a test may build for: the running one, or in a chroot the newest
# that is installed with its headers.
a_kernel() {
	if [ -e "/lib/modules/$kernel/build/include" ]; then
		echo "$kernel"
		return
	fi
	for dir in /lib/modules/*/build/include/; do
		dir=${dir#/lib/modules/}
		if [ -d "/lib/modules/${dir%%/*}/kernel" ]; then
			echo "${dir%%/*}"
		fi
	done | sort -V | tail -n 1
}

loaded_version() {
	cat /sys/module/tqueue/version 2>/dev/null || echo none
}

# The version on the disk for a kernel.
disk_version() { # KERNEL
	found=$(modinfo -k "$1" -F version tqueue 2>/dev/null) || true
	echo "${found:-none}"
}

package_version() {
	# shellcheck disable=SC2016 # dpkg-query's variable
	dpkg-query -W -f '${Version}' tqueue-dkms
}

ensure_loaded() {
	[ -d /sys/module/tqueue ] || modprobe tqueue
	udevadm settle --timeout=60
}

# What the kernel has logged since the test (or "log_from") began.
log_from() {
	marker="tqueue-dkms test $test $$ $1"
	echo "$marker" >/dev/kmsg
}
log_since() {
	dmesg | sed "1,\\,$marker,d"
}

# Empty the queue; nothing else may be reading.
drain() {
	dd if=$device of=/dev/null bs=1M iflag=nonblock 2>/dev/null || true
}

# The package that a test upgrades to; see test-debs.
upgrade_deb() { # TEST
	if [ -z "${TQUEUE_TEST_DEBS:-}" ]; then
		"$tests/test-debs" "$work/debs" "$1" >&2
		echo "$work/debs/$1.deb"
	else
		echo "$TQUEUE_TEST_DEBS/$1.deb"
	fi
}

# What a test leaves behind is undone by the command in $cleanup.
cleanup=:

# finish: keep the logs, and look for what the kernel complained about.
finish() {
	status=$?
	trap - EXIT
	$cleanup || true
	# It takes seconds in an emulated machine.
	[ $status = 0 ] || dkms status >"$artifacts/dkms-status" 2>&1 || true
	for log in /var/lib/dkms/tqueue/*/build/make.log \
		/var/lib/dkms/tqueue/*/*/*/log/make.log /var/log/tqueue-dkms/*.log; do
		if [ -f "$log" ]; then
			cp "$log" "$artifacts/$(echo "$log" | tr / _)"
		fi
	done
	if [ $booted = yes ]; then
		dmesg | sed "1,\\,$first_marker,d" >"$artifacts/dmesg"
		if grep -E 'WARNING:|BUG:|Oops|Call Trace|KASAN|KCSAN|lockdep|hung task|blocked for more' \
			"$artifacts/dmesg"; then
			echo "FAIL: the kernel complains, see $artifacts/dmesg"
			status=1
		fi
	fi
	rm -rf "$work"
	if [ $status = 0 ]; then
		echo "PASS: $test"
	fi
	exit $status
}
trap finish EXIT
