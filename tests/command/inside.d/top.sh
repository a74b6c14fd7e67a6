# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue top, in a terminal.

# top_of WIDTH HEIGHT [ARGUMENT...]: begins it there, with $settings in front; fails where there is no tmux, or where it does
# not begin.
top_of() {
	terminal "$1" || return
	tmux resize-window -x "$1" -y "$2"
	shift 2
	types "${settings-} tqueue top $*"
	soon runs
	runs
}
# shows_no PATTERN
shows_no() {
	! shows "$1"
}
# bottom: the last line of the screen.
bottom() {
	tmux capture-pane -p | tail -n 1
}
bottom_shows() {
	bottom | grep -q -E -e "$1"
}
# It ends, and the shell is there again, with what stood on the screen.
quits() {
	keys q
	soon ended
	soon shows '^> '
}

test_top_without_terminal() {
	gives 1 tqueue top </dev/null
	err "top needs a terminal" "tqueue list"
	gives 5 tqueue top nosuch
	err "nosuch: no such queue"
	gives 2 tqueue top --sort=size
	err "'size'" "oldest"
	gives 2 tqueue top --interval=1ms
	rmmod tqueue || no "the module does not unload"
	gives 7 tqueue top
	err "not loaded"
	load
}

test_terminal_top() {
	local worker traffic
	tqueue create jobs --size=64K
	tqueue create mail
	printf '%s\n' one two three four | tqueue send --lines jobs
	tqueue send --delay=1h jobs later
	bash -c 'exec 3</dev/tq/jobs; tqueue recv --lease --fd=3 >/dev/null; tqueue bury jobs 3; exec sleep 1000' &
	worker=$!
	soon buries 1
	top_of 80 24 || return
	soon shows '^tqueue top - [0-9:]{8}, 3 queues, by name$'
	soon shows '^messages: 2 ready, 1 leased, 1 delayed, 1 buried; '
	soon shows '^NAME +FILL +READY +LEASED +DELAY +BURIED +IN/s +OUT/s +OLDEST *$'
	soon shows '^jobs +\[[^]]*\] +2 +1 +1 +1 +0 +0 +[0-9]+(ms|s)$'
	soon shows '^mail +\[ {8}\] +0 +0 +0 +0 +0 +0 +-$'
	soon bottom_shows '^\? help  Enter one queue '
	# Messages that come in and go out, for as long as it takes to see them.
	while [ ! -e seen ]; do tqueue send mail x && tqueue recv mail >/dev/null; sleep 0.1; done &
	traffic=$!
	soon shows '^mail +\[ {8}\] +0 +0 +0 +0 +[0-9.]*[1-9][0-9.]* +[0-9.]*[1-9][0-9.]* '
	touch seen
	wait "$traffic"
	# One queue.
	keys Enter
	soon shows '^jobs: started$'
	soon shows '^ready 2 \(oldest [0-9]+(ms|s)\), leased 1, delayed 1, buried 1, in flight 0$'
	soon shows "^ +$worker S +3 read +- +1 +[0-9]+(ms|s) +0 sleep 1000\$"
	soon shows '^ +1 leased +'
	soon shows '^ +3 buried +.* forced '
	keys m
	soon bottom_shows 'shown messages: ready'
	soon shows_no '^ +3 buried'
	keys mmmm
	soon shows '^ +\(none\)$'
	keys m Escape
	soon shows '^NAME '
	quits
	kill "$worker"
}

test_terminal_top_keys() {
	tqueue create jobs
	tqueue create mail
	tqueue create news
	printf '%s\n' one two | tqueue send --lines news
	tqueue bury news 1
	top_of 80 24 --sort=ready || return
	soon shows ', by ready$'
	is "first queue" "$(screen | sed -n '4s/ .*//p')" news
	keys sss
	soon shows ', by buried$'
	keys S
	soon shows ', by delayed$'
	keys r
	soon shows ', by delayed \(reversed\)$'
	# A filter, as it is typed; Esc takes it away.
	keys / m a
	soon bottom_shows '^only names with: ma_$'
	soon shows_no '^news'
	keys Enter
	soon shows ", only 'ma'$"
	keys Escape
	soon shows '^news'
	keys / x x Enter
	soon shows '^No queue has this text in its name'
	keys p k Enter v
	keys Escape
	# Nothing is done without a yes.
	keys / n e w Enter
	keys p
	soon bottom_shows '^pause news: give out no messages\? \(y/n\)'
	keys n
	soon bottom_shows 'nothing was done'
	is state "$(attribute news state)" started
	keys p y
	soon bottom_shows '^news: paused$'
	is state "$(attribute news state)" "started paused"
	soon shows '^news +P '
	keys p y
	soon bottom_shows '^news: resumed$'
	is state "$(attribute news state)" started
	keys Enter
	soon shows '^ +1 buried'
	keys v
	soon bottom_shows '^show the content of message 1\? \(y/n\)'
	keys y
	soon shows '^message 1, 3 bytes$'
	soon shows '^one$'
	keys x k
	soon bottom_shows '^kick news: make its 1 buried messages ready\?'
	keys y
	soon bottom_shows '^news: kicked 1 message$'
	is "buried messages" "$(attribute news buried)" 0
	is "ready messages" "$(attribute news messages)" 2
	keys '?'
	soon shows '^Keys of tqueue top$'
	keys x
	soon shows '^news: started$'
	quits
	ends_with 0
}

# Whatever the size: the first line is in the first one, the last in the last, and no line is broken.
test_terminal_top_sizes() {
	local size
	tqueue create a-queue-with-a-name-that-is-as-long-as-a-name-may-ever-bexxxxxx
	tqueue create jobs
	top_of 80 24 jobs || return
	for size in "80 24" "120 40" "34 8" "200 6"; do
		tmux resize-window -x "${size% *}" -y "${size#* }"
		soon bottom_shows '^\? help'
		is "the first line of $size" "$(tmux capture-pane -p | head -n 1)" "jobs: started"
		keys Escape
		soon shows '^NAME '
		soon bottom_shows '^\? help  Enter'
		is "the first line of $size" "$(tmux capture-pane -p | head -n 1 | cut -c 1-10)" "tqueue top"
		is "the third line of $size" "$(tmux capture-pane -p | sed -n 3p | cut -c 1-4)" NAME
		keys End Up Enter
	done
	keys Escape
	tmux resize-window -x 120 -y 40
	soon shows '^a-queue-with-a-name-that.* 0 +- +0 +0 +0$'
	tmux resize-window -x 25 -y 5
	soon shows '^too small$'
	tmux resize-window -x 80 -y 24
	soon shows '^jobs +\['
	# The terminal goes, and so does it.
	tmux kill-server
	soon ended
}

test_terminal_top_plain() {
	local settings
	tqueue create jobs --size=4K
	fill
	settings='TERM=screen-256color LC_ALL=C.UTF-8'
	top_of 80 24 || return
	soon shows $'^jobs +\\[\342\226\210+'
	tmux capture-pane -e -p | grep -q $'\033\\[31m' || no "there is no red on a terminal with colours"
	quits
	for settings in 'TERM=screen NO_COLOR=1 LC_ALL=C.UTF-8' 'TERM=vt100 LC_ALL=C.UTF-8'; do
		types "$settings tqueue top"
		soon shows $'^jobs +\\[\342\226\210+'
		! tmux capture-pane -e -p | grep -q $'\033\\[[0-9;]*3[0-7]' || no "there are colours with $settings"
		quits
	done
	types "LC_ALL=C tqueue top --no-color"
	soon shows '^jobs +\[#+ *\]'
	! tmux capture-pane -e -p | grep -q $'\033\\[[0-9;]*3[0-7]' || no "there are colours with --no-color"
	quits
	types "TERM=dumb tqueue top"
	soon shows "^tqueue: the terminal 'dumb' \(TERM\) is not known here, or cannot"
	ends_with 1
}

test_terminal_top_many() {
	local i
	for ((i = 100; i < 300; i++)); do
		echo "q$i"
	done | xargs tqueue create --size=4K
	tqueue send q299 x
	top_of 80 24 || return
	soon shows ', 201 queues, by name$'
	soon shows '^q100 '
	keys NPage
	soon shows '^q119 '
	keys End
	soon shows '^q299 +\[[^]]*\] +1 '
	keys s s
	soon shows ', by ready$'
	keys Home
	soon shows '^q299 '
	quits
}

# A queue that is shown is removed, and the driver may go while nothing is shown.
test_terminal_top_removed() {
	tqueue create jobs
	tqueue create mail
	top_of 80 24 jobs || return
	soon shows '^jobs: started$'
	tqueue remove jobs
	soon bottom_shows '^jobs was removed$'
	soon shows ', 2 queues'
	soon shows_no '^jobs +\['
	keys Down Up
	tqueue remove mail
	soon shows ', 1 queue, '
	quits
}
