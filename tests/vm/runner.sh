# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the tests of a script in a guest, one by one. Sourced by tests/command/inside, tests/bridge/inside and tests/examples/inside;
# /guest has tqueue.ko and words.sh.
#
# A test is a function test_NAME. It runs in the empty directory $work, and says what is wrong with "no" or with the words of
# debian/tests/words.sh. A test that cannot run sets $skipped to the reason. run_tests calls the script's functions before_test and
# after_test around each test, and failed_test after what was wrong is printed.
export PATH=/guest:$PATH LC_ALL=C
work=/tmp/work
wrong=
skipped=
# What a test that takes too long may be waiting for.
programs=tqueue
# A test that is past its time limit gives up each further "soon" at once.
trap 'patience=0' ALRM
# Stderr is no terminal, as in scripts and services.
exec 2> >(cat)

# no TEXT: this test has failed.
no() {
	wrong="$wrong    $*"$'\n'
}
# shellcheck source=debian/tests/words.sh
. /guest/words.sh
before_test() {
	:
}
after_test() {
	:
}
failed_test() {
	:
}

load() {
	insmod /guest/tqueue.ko
	until [ -e /dev/tqueue ]; do sleep 0.1; done
}
# attribute QUEUE NAME
attribute() {
	cat "/sys/class/tqueue/$1/$2"
}
# holds QUEUE MESSAGES: so many are ready.
holds() {
	[ "$(attribute "$1" messages)" = "$2" ]
}
# remove_queues: all but the first one.
remove_queues() {
	local queue
	for queue in /sys/class/tqueue/*; do
		[ "${queue##*/}" = tqueue ] || tqueue remove --force "${queue##*/}" >/dev/null 2>&1
	done
}

# all_tests: their names.
all_tests() {
	declare -F | sed -n 's/^declare -f test_//p'
}
# run_tests WHAT SECONDS NAME...: runs these tests. Each line of the output begins with PASS, FAIL or SKIP and WHAT. After SECONDS a
# test has failed, and $programs are killed. Returns 1 if a test failed.
run_tests() {
	local what=$1 limit=$2 status=0 began watchdog
	local patient=$patience
	shift 2
	for test; do
		patience=$patient
		rm -rf "$work"
		mkdir -m 777 "$work"
		cd "$work" || exit
		wrong=
		skipped=
		before_test
		began=$SECONDS
		# shellcheck disable=SC2086 # words
		{ sleep "$limit" && touch late && kill -ALRM $$ && killall -KILL $programs; } >/dev/null 2>&1 &
		watchdog=$!
		if declare -F "test_$test" >/dev/null; then
			"test_$test"
		else
			no "there is no test of that name"
		fi
		kill "$watchdog" 2>/dev/null
		[ ! -e late ] || no "it took more than $limit s"
		after_test
		if [ -n "$skipped" ]; then
			echo "SKIP $what.$test: $skipped"
		elif [ -z "$wrong" ]; then
			echo "PASS $what.$test ($((SECONDS - began)) s)"
		else
			status=1
			echo "FAIL $what.$test ($((SECONDS - began)) s)"
			printf '%s' "$wrong"
			failed_test
		fi
	done
	return $status
}
# unload WHAT: the module must unload.
unload() {
	if rmmod tqueue; then
		echo "PASS $1: leaves nothing behind, module unloads"
	else
		echo "FAIL $1: leaves nothing behind, module unloads"
		return 1
	fi
}
