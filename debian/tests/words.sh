# shellcheck shell=sh
# shellcheck disable=SC3043 # "local" is in every shell that runs these
# SPDX-License-Identifier: GPL-2.0-only
# The functions with which all tests in shell say what they expect.  Sourced by
# common.sh here, tests/command/inside and others.  These define what happens after
# a check:
#	no TEXT...	it failed, and the text says how
#	ok TEXT...	it passed
# "gives" writes the output of its command to the files out and err.

ok() {
	:
}

# check WHAT COMMAND...: the command must succeed.
check() {
	local what="$1"
	shift
	if "$@"; then
		ok "$what"
	else
		no "$what  (command: $*)"
	fi
}

# check_not WHAT COMMAND...: the command must fail.
check_not() {
	local what="$1"
	shift
	if "$@"; then
		no "$what  (command: $*)"
	else
		ok "$what"
	fi
}

# is WHAT GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		ok "$1: $2"
	else
		no "$1 is '$2', not '$3'"
	fi
}

# has FILE TEXT...: the file has these words somewhere.
has() {
	local file="$1" text
	shift
	for text; do
		if grep -q -F -e "$text" "$file"; then
			ok "says: $text"
		else
			no "no '$text' in $file: $(head -c 1000 "$file")"
		fi
	done
}

# same FILE FILE
same() {
	if cmp "$1" "$2" >compared 2>&1; then
		ok "$1 and $2 are the same"
	else
		no "$1 and $2 differ: $(cat compared)"
	fi
}

# gives STATUS COMMAND...: the command ends with that status.
gives() {
	local wanted="$1" status=0
	shift
	"$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ] ||
		no "'$*' gave $status, not $wanted; stderr: $(head -c 500 err)"
}

# out TEXT: exactly this was printed (without the last newline).
out() {
	[ "$(cat out)" = "$1" ] || no "printed '$(head -c 500 out)', not '$(printf '%s' "$1" | head -c 500)'"
}

# err TEXT...: stderr has these words somewhere.
err() {
	has err "$@"
}

# soon COMMAND...: the command succeeds within $patience tenths of a second.
patience=300
soon() {
	local tries=0
	until "$@"; do
		tries=$((tries + 1))
		if [ "$tries" -gt $patience ]; then
			# This comes first, because no() may end the test.
			never "$@"
			no "it never came true: $*"
			return
		fi
		sleep 0.1
	done
	ok "$*"
}
# never COMMAND...: called when soon gives up; tests may redefine it to print more.
never() {
	:
}
