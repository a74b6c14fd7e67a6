# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: the output on a terminal.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

# On a terminal there is progress, elsewhere only if asked for.
test_progress() {
	tqueue create jobs
	# shellcheck disable=SC2016 # for the shell that runs it
	printf 'for i in 1 2 3 4 5; do echo $i; sleep 0.5; done | tqueue send --lines jobs\n' >slow
	script -q -e -c "sh ./slow" typescript </dev/null >shown
	has shown $'\r' "5 messages sent"
	sh ./slow >shown 2>&1
	is "what is said elsewhere" "$(cat shown)" ""
	gives 0 tqueue recv --all --progress jobs
	out "$(printf '%s\n' 1 2 3 4 5 1 2 3 4 5)"
	err "10 messages received, 10 B"
	seq 100 >log
	gives 0 tqueue send --lines --progress --file=log jobs
	err "100 messages sent, 292 B (100 %)"
	script -q -e -c "tqueue send --lines --no-progress --file=log jobs" typescript </dev/null >shown
	is "with --no-progress" "$(cat shown)" ""
	# Messages on the terminal are not mixed with it.
	script -q -e -c "tqueue recv --count=200 jobs" typescript </dev/null >shown
	{ seq 100; seq 100; } | sed 's/$/\r/' >wanted
	same shown wanted
	script -q -e -c "tqueue --help; tqueue recv --help" typescript </dev/null >shown
	has shown "Commands:" "--follow"
	# Ctrl-C on a terminal ends it, and says what was sent.
	{ sleep 1; printf 'one\n'; sleep 1; printf '\003'; sleep 1; } |
		script -q -e -c "tqueue send --lines jobs" typescript >shown
	is "status after an interrupt" $? 130
	has shown interrupted "1 message was sent before"
}

# What a terminal shows instead.
never() {
	[ "$1" != shows ] || screen | sed 's/^/    screen: /'
}
tmux() {
	LC_ALL=C.UTF-8 command tmux "$@"
}
# terminal WIDTH: a shell in a terminal that wide; fails where there is no tmux.
terminal() {
	if ! tmux -V >/dev/null 2>&1; then
		skipped="tmux could not be had: tests/command/terminal says why"
		return 1
	fi
	printf "PS1='> '\n. /guest/completion.bash\n" >rc
	tmux -f /dev/null new-session -d -x "$1" -y 60 "exec bash --rcfile $work/rc -i"
	soon is_clear
}
# What is on its screen, without empty lines.
screen() {
	tmux capture-pane -p | sed '/^$/d'
}
is_clear() {
	[ "$(screen)" = ">" ]
}
# shows PATTERN: a line of it is like that.
shows() {
	screen | grep -q -E -e "$1"
}
# keys KEY...: as tmux names them.
keys() {
	tmux send-keys "$@"
}
# types COMMAND: on an empty screen.
types() {
	keys clear Enter
	soon is_clear
	keys "$1" Enter
}
# ends_with STATUS: what the shell says of the last command.
ends_with() {
	# shellcheck disable=SC2016 # that shell expands it
	keys 'echo "status ${PIPESTATUS[*]}"' Enter
	soon shows "^status $1\$"
}

test_terminal_completion() {
	terminal 80 || return
	tqueue create jobs
	keys 'tqueue rec' Tab 'jo' Tab
	soon shows '^> tqueue recv jobs$'
	keys C-u 'tqueue create --ov' Tab 'r' Tab
	soon shows '^> tqueue create --overflow=reject$'
	keys C-u 'tqueue s' Tab Tab
	soon shows '^send +set +show +start +stats +stop$'
	# No line of the help is torn.
	keys C-u
	types 'tqueue recv --help'
	soon shows '^>$'
	is "lines of help" "$(screen | grep -v '^>')" "$(tqueue recv --help | sed '/^$/d')"
}

# The line of progress is updated in its place, even on a narrow terminal, and only in the foreground.
test_terminal_progress() {
	local before
	terminal 80 || return
	tqueue create jobs --size=4K
	yes | tqueue send --lines --timeout=0 jobs 2>/dev/null
	before=$(attribute jobs messages)
	types 'tqueue send jobs x'
	soon shows '^0 messages sent, 0 B, ([2-9]|[1-9][0-9]) s, 0/s, 0 B/s$'
	is "lines of progress" "$(screen | grep -c sent)" 1
	keys C-z
	soon shows Stopped
	types bg
	sleep 2.5
	is "lines of progress of a job in the background" "$(screen | grep -c sent)" 0
	types fg
	soon shows '^0 messages sent'
	keys C-c
	# The terminal echoes only when it has sent the signal, and may come in between.
	soon shows '^(\^C)?tqueue: jobs: interrupted$'
	ends_with 130
	tmux resize-window -x 25
	types 'tqueue send jobs x'
	soon shows '^0 messages sent, 0 B, ([3-9]|[1-9][0-9])'
	is "lines on a narrow terminal" "$(screen | wc -l)" 2
	keys C-c
	ends_with 130
	is "messages" "$(attribute jobs messages)" "$before"
}

# Workers in the background, as README.md has them, leave the terminal alone.
test_terminal_workers() {
	terminal 80 || return
	tqueue create jobs
	# shellcheck disable=SC2016 # that shell expands it
	types 'worker() { while job=$(tqueue recv jobs); do echo "$1 does $job"; done; }'
	types 'worker A & worker B &'
	sleep 2.5
	is "lines of progress" "$(screen | grep -c received)" 0
	tqueue send jobs one
	soon shows 'does one$'
	tqueue stop jobs
	soon ended
}

# Nothing but messages is seen of what waits for messages, and Ctrl-C ends it without a loss.
test_terminal_receivers() {
	terminal 80 || return
	tqueue create jobs
	types 'tqueue recv --follow jobs'
	soon has_a_reader
	tqueue send jobs $'gr\303\274n'
	soon shows $'^gr\303\274n$'
	keys C-c
	ends_with 130
	types 'tqueue recv --follow jobs | cat'
	soon has_a_reader
	sleep 1.5
	tqueue send jobs two
	soon shows '^two$'
	keys C-c
	ends_with '130 130'
	is "lines of other things" "$(screen | grep -c -e received -e 'nobody reads')" 0
	# The reader of a socket may write to the terminal as well.
	types 'reader stream 0 tqueue recv --follow jobs'
	soon has_a_reader
	sleep 2.5
	is "lines of progress beside a socket" "$(screen | grep -c received)" 0
	keys C-c
	ends_with 130
	types 'tqueue send --lines jobs'
	sleep 2.5
	is "lines of progress while it is typed" "$(screen | wc -l)" 1
	keys stays Enter
	soon holds jobs 1
	keys C-d
	ends_with 0
	types 'tqueue wait jobs'
	soon runs
	keys C-c
	ends_with 130
	is messages "$(attribute jobs messages)" 1
}
