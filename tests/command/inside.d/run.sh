# shellcheck shell=bash
# shellcheck disable=SC2016,SC2317 # the shells of jobs expand it; the tests are called by their names
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue run. The jobs are small scripts, and most messages say what such a script must do.
# This file is long because all of these tests use the same jobs and helpers.

# job NAME: a script that is a job, from stdin.
job() {
	cat >"$1"
	chmod +x "$1"
}
# A job that ends as its message says: a status, or a signal's name.
ending_job() {
	job end <<-'END'
		#!/bin/sh
		read -r how
		case $how in
		[0-9]*) exit "$how" ;;
		*) kill -"$how" $$; sleep 1000 ;;
		esac
	END
}
# A job that says in the file began what it is, and ends when there is a file go. It does not hear of SIGTERM if it is called "deaf".
waiting_job() {
	job wait <<-'END'
		#!/bin/sh
		read -r name
		[ "$name" != deaf ] || trap '' TERM
		echo "$$ $name $TQUEUE_ATTEMPT" >>began
		until [ -e go ]; do sleep 0.05; done
		echo "$name" >>ended
	END
}
# background COMMAND...: it runs while the test goes on; stderr is in the file log, and $runner is its process.
background() {
	"$@" >printed 2>log &
	runner=$!
}
# over STATUS: it ends, and so.
over() {
	local status=0
	# The shell reports on stderr what killed it.
	{ wait "$runner" || status=$?; } 2>/dev/null
	[ "$status" = "$1" ] || no "the runner ended with $status, not $1: $(tail -c 500 log)"
}
# lines FILE COUNT: there are so many.
lines() {
	[ -e "$1" ] && [ "$(wc -l <"$1")" = "$2" ]
}
# counts QUEUE READY LEASED DELAYED BURIED
counts() {
	[ "$(attribute "$1" messages) $(attribute "$1" leased) $(attribute "$1" delayed) $(attribute "$1" buried)" = "$2 $3 $4 $5" ]
}
counted() {
	counts "$@" || no "ready, leased, delayed, buried are $(attribute "$1" messages) $(attribute "$1" leased) $(attribute "$1" delayed) $(attribute "$1" buried), not ${*:2}"
}
# listed NUMBER TEXT...: the line of "tqueue jobs --json" has that.
listed() {
	local number=$1
	shift
	tqueue jobs --json jobs | sed -n "${number}p" >line
	has line "$@"
}
# delays: of all delayed messages, in whole seconds.
delays() {
	tqueue jobs --json --state=delayed jobs | sed 's/.*"since":"[^T]*T\([^Z+]*\).*"due":"[^T]*T\([^Z+]*\).*/\1 \2/' | awk '
		function seconds(time,   part) { split(time, part, ":"); return part[1] * 3600 + part[2] * 60 + part[3] }
		{ d = seconds($2) - seconds($1); printf "%d\n", d < 0 ? d + 86400 : d }'
}
# between WHAT LEAST MOST NUMBER...
between() {
	local what=$1 least=$2 most=$3 number
	shift 3
	[ $# != 0 ] || no "there is no $what"
	for number; do
		if [ "$number" -lt "$least" ] || [ "$number" -gt "$most" ]; then
			no "$what is $number, not $least to $most"
		fi
	done
}
gone() {
	! kill -0 "$1" 2>/dev/null
}
log_has() {
	grep -q -F -e "$1" log
}

test_run_usage() {
	tqueue create jobs
	tqueue send jobs x
	gives 2 tqueue run
	gives 2 tqueue run jobs
	err "tqueue run jobs -- COMMAND"
	# Without the dashes its own options would be taken for ours.
	gives 2 tqueue run jobs cat -n
	gives 2 tqueue run jobs cat
	err "-- COMMAND"
	gives 2 tqueue run jobs --
	gives 2 tqueue run -- cat
	err "no queue given"
	for option in --nonsense -j -jx -j-1 --jobs=1000000 --count=0 --count=x --timeout=0 --timeout=soon --kill-after=x --rate=0/s --rate=fast \
		--rate=5/ --rate=/s --done-on=256 --done-on= --done-on=5-3 --done-on=SIGNONE --done-on=1,,2 --retry-on=x --bury-on=1-300 \
		--retry-delay=x --defer-delay=x --stop-on-failure=x --replace= --drain-timeout=x "--all --count=1" \
		"--done-on=3 --bury-on=1-5" "--done-on=3,3"; do
		# shellcheck disable=SC2086 # words
		gives 2 tqueue run jobs $option -- touch ran
		[ -s err ] || no "nothing is said of $option"
	done
	gives 2 tqueue run jobs -I {} -- 'my{}' x
	err "'my{}'"
	gives 5 tqueue run nothing -- touch ran
	err "tqueue: nothing: no such queue"
	gives 5 tqueue run jobs nothing -- touch ran
	[ ! -e ran ] || no "a command was run"
	counted jobs 1 0 0 0
	listed 1 '"attempts":0'
	gives 0 tqueue run jobs --all -- touch ran
	[ -e ran ] || no "no command was run"
}

# What becomes of a job, by how its command ends.
test_run_outcomes() {
	ending_job
	tqueue create jobs --max-attempts=5
	tqueue send jobs 0 1 75 KILL 255 TERM
	gives 8 tqueue run jobs --all -- ./end
	counted jobs 0 0 5 0
	is acknowledged "$(attribute jobs received)" 1
	listed 1 '"state":"delayed","reason":"worker"' '"attempts":1,"code":1,'
	listed 2 '"attempts":0,"code":75,'
	listed 3 '"attempts":1,"code":137,'
	listed 4 '"attempts":1,"code":255,'
	listed 5 '"attempts":1,"code":143,'
	# Each is reported once.
	is "lines of the log" "$(wc -l <err)" 6
	has err "is done, after" "failed with status 1 (attempt 1 of 5); it is tried again in " "status 75" "was ended by SIGKILL" \
		"failed with status 255" "was ended by SIGTERM"
	! grep -v '^tqueue: jobs: job [0-9]' err || no "other lines"
	# 75 is no failure, and nor is nothing at all.
	# shellcheck disable=SC2046 # one word a message
	tqueue delete jobs $(tqueue jobs --no-header jobs | awk '{ print $1 }')
	gives 0 tqueue run jobs --all -- ./end
	is stderr "$(cat err)" ""
	tqueue send jobs 75
	gives 0 tqueue run jobs --count=1 -- ./end
}

# Which ends mean what can be chosen.
test_run_verdicts() {
	ending_job
	tqueue create jobs
	tqueue send jobs 3 12 15 SEGV 75 9 0 124 1
	gives 8 tqueue run jobs --all --done-on=3,10-14,SIGSEGV --retry-on=75 --bury-on=9,0,100-200 -- ./end
	is acknowledged "$(attribute jobs received)" 3
	listed 1 '"state":"delayed"' '"code":15,'
	listed 2 '"state":"delayed"' '"attempts":1,"code":75,'
	listed 3 '"state":"buried","reason":"worker"' '"code":9,'
	listed 4 '"state":"buried"' '"code":0,'
	listed 5 '"state":"buried"' '"code":124,'
	listed 6 '"state":"delayed"' '"code":1,'
	has err "and was buried" "tqueue kick jobs"
}

# Later and later, and not all at once.
test_run_delays() {
	local i found
	ending_job
	tqueue create jobs --max-attempts=20
	for i in 1 2 3 4 5 6 7 8; do tqueue send jobs 1; done
	tqueue run jobs --all --quiet -- ./end 2>/dev/null
	# shellcheck disable=SC2046 # words
	between "the first delay in seconds" 3 6 $(delays)
	tqueue kick --delayed jobs >/dev/null
	# The attempt counts, not who makes it.
	tqueue run jobs --all --quiet --retry-delay=100s --retry-delay-max=300s -- ./end 2>/dev/null
	found=$(delays)
	# shellcheck disable=SC2086 # words
	between "the second delay" 149 251 $found
	[ "$(sort -u <<<"$found" | wc -l)" -ge 4 ] || no "they all come back at once: $found"
	tqueue kick --delayed jobs >/dev/null
	tqueue run jobs --all --quiet --retry-delay=100s --retry-delay-max=300s -- ./end 2>/dev/null
	# shellcheck disable=SC2046 # words
	between "the third delay, bounded" 224 376 $(delays)
	listed 1 '"attempts":3,'
	tqueue remove --force jobs
	tqueue create jobs
	tqueue send jobs 75 75 75
	tqueue run jobs --all --quiet -- ./end
	# shellcheck disable=SC2046 # words
	between "the delay of what is put off" 59 60 $(delays)
	tqueue kick --delayed jobs >/dev/null
	tqueue run jobs --all --quiet --defer-delay=90s -- ./end
	# shellcheck disable=SC2046 # words
	between "the chosen delay" 89 90 $(delays)
}

test_run_last_attempt() {
	ending_job
	tqueue create jobs --max-attempts=3
	tqueue send jobs 7
	gives 8 tqueue run jobs --count=3 --retry-delay=20ms -- ./end
	counted jobs 0 0 0 1
	listed 1 '"state":"buried","reason":"attempts"' '"attempts":3,"code":7,'
	has err "(attempt 1 of 3); it is tried again in " "(attempt 2 of 3)" "failed with status 7 (attempt 3 of 3) and was buried (kick it with \"tqueue kick jobs\")"
	tqueue set jobs --on-exhausted=drop
	tqueue kick jobs >/dev/null
	gives 8 tqueue run jobs --count=3 --retry-delay=20ms -- ./end
	has err "(attempt 3 of 3) and was dropped"
	counted jobs 0 0 0 0
}

test_run_environment() {
	local id
	job show <<-'END'
		#!/bin/sh
		env | grep -e ^TQUEUE_ -e ^NOTIFY_ -e ^WATCHDOG_ -e ^MINE | sort
		# Beside these it has its lease, and never the queue.
		for file in /proc/self/fd/*; do
			case $file in
			*/[012]) ;;
			*) readlink "$file" ;;
			esac
		done
		read -r pid name state parent group rest </proc/$$/stat
		[ "$group" = $$ ] && [ "$pid" = "$group" ] && echo leader
	END
	tqueue create jobs --max-attempts=9
	tqueue send -p 5 jobs x
	id=$(tqueue jobs --no-header jobs | awk '{ print $1 }')
	# Below a millisecond, the two clocks differ.
	tqueue jobs --json jobs | sed 's/.*"time":"\([^"]*[.]...\).*"pid":\([0-9]*\).*/TQUEUE_SENT=\1\nTQUEUE_PID=\2/' >wanted
	# It must not get variables that are for the worker, or of another job.
	gives 0 env MINE=yes NOTIFY_SOCKET=/nothing WATCHDOG_USEC=5 WATCHDOG_PID=1 TQUEUE_ID=1 TQUEUE_QUEUE=other tqueue run jobs -j 3 --all -- ./show
	while read -r line; do has out "$line"; done <wanted
	has out MINE=yes TQUEUE_QUEUE=jobs "TQUEUE_ID=$id" TQUEUE_ATTEMPT=1 TQUEUE_MAX_ATTEMPTS=9 TQUEUE_PRIORITY=5 TQUEUE_UID=0 TQUEUE_SLOT= \
		TQUEUE_DELIVERY= TQUEUE_LEASE_FD= leader
	is "lines about TQUEUE" "$(grep -c ^TQUEUE_ out)" 11
	! grep -q -e NOTIFY -e WATCHDOG -e /dev/tq out || no "it has too much: $(cat out)"
	is "files of the lease" "$(grep -c -i lease out)" 2
	between slot 1 3 "$(sed -n 's/^TQUEUE_SLOT=//p' out)"
	tqueue send jobs x
	gives 0 tqueue run jobs --all --no-inherit -- sh -c 'ls -l /proc/self/fd; env | grep LEASE; true'
	! grep -q -e LEASE -e tqueue-lease -e /dev/tq out || no "without inheriting it has $(cat out)"
}

# The payload is whole, whatever is in it, can be read again, and not be changed.
test_run_stdin() {
	head -c 1048576 /dev/urandom >random
	printf 'a\0b\n\0' >zeros
	: >empty
	tqueue create jobs --size=8M
	for file in random zeros empty; do
		tqueue send --file=$file jobs
		gives 0 tqueue run jobs --all -- cmp - $file
		tqueue send --file=$file jobs
		gives 0 tqueue run jobs -j 2 --all -- cmp - $file
	done
	tqueue send jobs 0123456789
	gives 0 tqueue run jobs --all -- sealed
	out "6789 is what comes after lseek(); seals 15"
	tqueue send jobs once
	gives 0 tqueue run jobs --all -- sh -c 'cat; cat /proc/self/fd/0; ! echo changed >/proc/self/fd/0; cat /proc/self/fd/0' 2>/dev/null
	out onceonceonce
	# Whatever the runner's own stdin is.
	tqueue send jobs once
	gives 0 sh -c 'tqueue run jobs --all -- cat <&-'
	out once
	counted jobs 0 0 0 0
}

test_run_replace() {
	tqueue create jobs --size=8M
	tqueue send jobs "a 'b' \"c\" \$(touch bad) * \\n" $'two\nlines' "" {}
	tqueue send jobs -- -n
	gives 0 tqueue run jobs --all -I {} -- printf '<%s>' {} 'x{}y{}' plain
	printf '%s' "<a 'b' \"c\" \$(touch bad) * \\n><xa 'b' \"c\" \$(touch bad) * \\nya 'b' \"c\" \$(touch bad) * \\n><plain>" >wanted
	printf '<%s><x%sy%s><plain>' $'two\nlines' $'two\nlines' $'two\nlines' "" "" "" {} {} {} -n -n -n >>wanted
	same out wanted
	[ ! -e bad ] || no "a shell has seen it"
	# A line's end is none of the argument, but one alone, and stdin has all.
	printf 'line\n\n' >in
	tqueue send --file=in jobs
	gives 0 tqueue run jobs --all --replace=@ -- sh -c 'printf "<%s>" "$1"; cmp - in' sh @
	out $'<line\n>'
	# What cannot be an argument is buried, and the next one is done.
	printf 'a\0b' >in
	tqueue send --file=in jobs
	head -c 300000 /dev/zero | tr '\0' x >in
	tqueue send --file=in jobs
	tqueue send jobs good
	gives 8 tqueue run jobs --all -I {} -- echo {}
	out good
	has err "has a zero byte" "too long"
	counted jobs 0 0 0 2
	gives 0 tqueue kick jobs
	gives 0 tqueue run jobs --all -- true
}

# A command that cannot be started buries nothing and counts for nothing.
test_run_no_command() {
	tqueue create jobs --max-attempts=1
	tqueue send jobs x
	echo text >text
	echo text >executable
	chmod +x executable
	printf '#!/nowhere/interpreter\n' | job interpreted
	mkdir directory
	gives 127 tqueue run jobs -- nowhere
	err "tqueue: nowhere: there is no such command"
	gives 127 tqueue run jobs -- ./nowhere
	gives 126 tqueue run jobs -- ./text
	err "./text: Permission denied"
	gives 126 tqueue run jobs -- ./directory
	gives 126 timeout 10 tqueue run jobs -- ./executable
	err "./executable cannot be started: Exec format error"
	gives 127 timeout 10 tqueue run jobs -- ./interpreted
	err "No such file or directory" "interpreter"
	ln -s loop loop
	gives 126 tqueue run jobs -- ./loop
	counted jobs 1 0 0 0
	listed 1 '"attempts":0,'
	# It vanishes while it is needed.
	printf '#!/bin/sh\nrm ./vanishes\n' | job vanishes
	tqueue send jobs y
	gives 127 timeout 10 tqueue run jobs -- ./vanishes
	counted jobs 1 0 0 0
	listed 1 '"attempts":0,'
	# In PATH as the shell has it.
	mkdir one two
	echo text >one/there
	printf '#!/bin/sh\necho two\n' | job two/there
	gives 0 env PATH="$PWD/one:$PWD/two:$PATH" tqueue run jobs --all -- there
	out two
}

test_run_parallel() {
	waiting_job
	tqueue create jobs
	tqueue send jobs 1 2 3 4 5 6
	background tqueue run jobs -j 4 --all -- ./wait
	soon lines began 4
	sleep 0.3
	is "running at once" "$(wc -l <began)" 4
	counted jobs 2 4 0 0
	# shellcheck disable=SC2046 # words
	touch go
	over 0
	is ended "$(sort ended | xargs)" "1 2 3 4 5 6"
	rm go began
	tqueue send jobs 1 2 3 4 5 6
	background tqueue run jobs -j 0 --all -- ./wait
	soon lines began "$(nproc)"
	sleep 0.3
	is "running at once" "$(wc -l <began)" "$(nproc)"
	touch go
	over 0
	# Each slot is that of one job at a time.
	job slot <<-'END'
		#!/bin/sh
		mkdir "slot.$TQUEUE_SLOT" || exit 1
		sleep 0.05
		rmdir "slot.$TQUEUE_SLOT"
	END
	seq 12 | tqueue send --lines jobs
	gives 0 tqueue run jobs -j 3 --all -- ./slot
	# What comes while it waits is taken at once.
	background tqueue run jobs -j 2 --count=2 -- cat
	sleep 0.5
	tqueue send jobs late
	soon lines printed 1
	tqueue send jobs later
	over 0
}

test_run_timeout() {
	local pid
	job slow <<-'END'
		#!/bin/sh
		read -r name
		echo $$ >>pids
		case $name in
		deaf) trap '' TERM ;;
		polite) trap 'exit 0' TERM ;;
		esac
		sleep 1000 &
		echo $! >>pids
		wait
		wait
		sleep 1000
	END
	tqueue create jobs
	tqueue send jobs deaf polite usual
	gives 8 tqueue run jobs --all --timeout=300ms --kill-after=300ms -- ./slow
	counted jobs 0 0 3 0
	for i in 1 2 3; do
		listed $i '"attempts":1,"code":124,'
	done
	is "of what is said" "$(grep -c -F 'took longer than 300ms (attempt 1 of 16); it is tried again' err)" 3
	is processes "$(wc -l <pids)" 6
	while read -r pid; do
		soon gone "$pid"
	done <pids
	# Within the time nothing happens, and what takes too long can be buried.
	tqueue kick --delayed jobs >/dev/null
	gives 8 tqueue run jobs --all --timeout=200ms --kill-after=0 --bury-on=124 -- ./slow
	counted jobs 0 0 0 3
	tqueue send jobs x
	gives 0 tqueue run jobs --all --timeout=1min -- true
	# One that is stopped hears of its end all the same.
	tqueue send jobs x
	gives 8 tqueue run jobs --all --timeout=200ms --kill-after=1min -- sh -c 'kill -STOP $$'
}

# The first signal: no more jobs; the second: the jobs end; the third: at once.
test_run_signals() {
	waiting_job
	tqueue create jobs
	tqueue send jobs first second
	background tqueue run jobs -- ./wait
	soon lines began 1
	kill -TERM "$runner"
	soon log_has "ends when 1 running job has ended"
	sleep 0.3
	counted jobs 1 1 0 0
	touch go
	over 143
	is ended "$(cat ended)" first
	counted jobs 1 0 0 0
	# One that waits ends at once.
	for signal in HUP:129 TERM:143; do
		tqueue create idle
		background tqueue run idle -- true
		soon runs
		sleep 0.3
		kill -"${signal%:*}" "$runner"
		over "${signal#*:}"
		tqueue remove idle
	done

	rm go began
	background tqueue run jobs -- ./wait
	soon lines began 1
	kill -HUP "$runner"
	soon log_has "another signal stops it"
	kill -TERM "$runner"
	over 129
	log_has "was stopped, and went back to its place" || no "it is not told: $(cat log)"
	counted jobs 1 0 0 0
	listed 1 '"attempts":0,'

	rm began
	tqueue recv jobs >/dev/null
	tqueue send jobs deaf
	background tqueue run jobs -- ./wait
	soon lines began 1
	kill -TERM "$runner"
	soon log_has "another signal stops it"
	kill -TERM "$runner"
	soon log_has "another signal kills it"
	sleep 0.3
	counted jobs 0 1 0 0
	kill -TERM "$runner"
	over 143
	gone "$(cut -d ' ' -f 1 began)" || no "the job is still there"
	counted jobs 1 0 0 0
	listed 1 '"attempts":0,'

	# The time for it can be bounded.
	rm began
	tqueue recv jobs >/dev/null
	tqueue send jobs x
	background tqueue run jobs --drain-timeout=200ms --kill-after=10s -- ./wait
	soon lines began 1
	kill -TERM "$runner"
	over 143
	log_has "--drain-timeout" || no "it is not told: $(cat log)"
	counted jobs 1 0 0 0
	# What is ignored, as under nohup, is.
	rm began
	background sh -c 'trap "" HUP; exec tqueue run jobs --all -- ./wait'
	soon lines began 1
	kill -HUP "$runner"
	sleep 0.3
	touch go
	over 0
}

test_run_usr1() {
	waiting_job
	tqueue create jobs
	tqueue send jobs one two three
	background tqueue run jobs -j 2 --all -- ./wait
	soon lines began 2
	kill -USR1 "$runner"
	soon log_has "2 running, 0 done, 0 failed, 1 waiting"
	is "lines about jobs" "$(grep -c 'job [0-9]* has run for .*: attempt 1, process [0-9]*, slot [12]$' log)" 2
	touch go
	over 0
	# In the background and elsewhere there is no progress line, unless asked for.
	is "lines of progress" "$(grep -c running log)" 1
	tqueue send jobs x
	gives 0 tqueue run jobs -j 2 --all --quiet --progress -- true
	has err "0 running, 1 done, 0 failed, 0 waiting"
}

test_run_ends() {
	waiting_job
	tqueue create jobs
	tqueue send jobs 1 2 3 4 5
	gives 0 tqueue run jobs --count=2 -- cat
	out 12
	gives 0 tqueue run jobs --count=2 -j 8 -- cat
	counted jobs 1 0 0 0
	tqueue send --delay=1h jobs later
	gives 0 tqueue run jobs --all -- cat
	out 5
	counted jobs 0 0 1 0
	gives 0 tqueue run jobs --all -- cat
	out ""
	tqueue kick --delayed jobs >/dev/null
	# What jobs send meanwhile is taken, too.
	gives 0 tqueue run jobs --all -- sh -c 'read -r x; [ "$x" != later ] || tqueue send jobs latest; echo "$x"'
	out $'later\nlatest'
	# The end of the queue.
	background tqueue run jobs -- cat
	soon has_a_reader
	tqueue send jobs x
	tqueue stop jobs
	over 0
	is printed "$(cat printed)" x
	gives 6 tqueue run jobs --count=1 -- cat
	tqueue start jobs
	# It is removed, while it is waited for and while a job runs.
	background tqueue run jobs -- cat
	soon has_a_reader
	tqueue remove --force jobs
	over 6
	log_has "tqueue: jobs: " || no "nothing is said: $(cat log)"
	tqueue create jobs
	tqueue send jobs x
	background tqueue run jobs -- ./wait
	soon lines began 1
	tqueue remove --force jobs
	over 6
	soon gone "$(cut -d ' ' -f 1 began)"
	[ ! -e ended ] || no "the job went on"
	# Of several queues the others go on.
	tqueue create a
	tqueue create b
	background tqueue run a b -- cat
	sleep 0.5
	tqueue remove --force a
	tqueue send b x
	soon test -s printed
	tqueue stop b
	over 6
}

# A night in which everything fails buries not everything.
test_run_stop_on_failure() {
	ending_job
	tqueue create jobs --max-attempts=1
	for i in $(seq 25); do echo 1; done >failing
	tqueue send --lines --file=failing jobs
	gives 8 tqueue run jobs --all -- ./end
	err "20 jobs in a row failed"
	counted jobs 5 0 0 20
	tqueue kick jobs >/dev/null
	background tqueue run jobs --stop-on-failure=3 -- ./end
	soon log_has "3 jobs in a row failed: this worker pauses"
	sleep 0.5
	counted jobs 22 0 0 3
	log_has --stop-on-failure || no "the option is not named: $(cat log)"
	kill -TERM "$runner"
	over 143
	# They are not in a row where some are done, and it can be left out.
	tqueue remove --force jobs
	tqueue create jobs --max-attempts=1
	tqueue send jobs 1 1 0 1 75 1 0 1
	gives 8 tqueue run jobs --all --stop-on-failure=3 -- ./end
	counted jobs 0 0 1 5
	tqueue remove --force jobs
	tqueue create jobs --max-attempts=1
	tqueue send --lines --file=failing jobs
	gives 8 tqueue run jobs --all --stop-on-failure=0 -- ./end
	counted jobs 0 0 0 25
	# One that is done later lets it go on.
	tqueue remove --force jobs
	tqueue create jobs --max-attempts=1
	job some <<-'END'
		#!/bin/sh
		read -r how
		[ "$how" != wait ] || until [ -e go ]; do sleep 0.05; done
		[ "$how" != fail ]
	END
	tqueue send jobs wait fail fail last
	background tqueue run jobs -j 2 --stop-on-failure=2 -- ./some
	soon log_has "this worker pauses"
	soon counts jobs 1 1 0 2
	touch go
	soon counts jobs 0 0 0 2
	kill "$runner"
	over 143
}

test_run_rate() {
	local from
	tqueue create jobs
	tqueue send jobs 1 2 3 4 5
	from=${EPOCHREALTIME/./}
	gives 0 tqueue run jobs -j 4 --all --rate=4/s -- true
	[ $((${EPOCHREALTIME/./} - from)) -ge 950000 ] || no "five jobs at 4/s took only $((${EPOCHREALTIME/./} - from)) us"
	tqueue send jobs 1 2
	background tqueue run jobs -j 4 --rate=1/h -- true
	soon holds jobs 1
	sleep 0.5
	counted jobs 1 0 0 0
	# It hears signals while it waits.
	kill "$runner"
	over 143
}

test_run_queues() {
	tqueue create high
	tqueue create low
	tqueue send low 1 2
	tqueue send high a b
	gives 0 tqueue run high low --all -- sh -c 'read -r x; [ "$x" != 1 ] || tqueue send high c; echo "$TQUEUE_QUEUE $x"'
	out $'high a\nhigh b\nlow 1\nhigh c\nlow 2'
	tqueue send low 1
	tqueue send high a
	gives 0 tqueue run /dev/tq/low high --all --tag -- cat
	sed 's/:[0-9]*\t/:/' out >bare
	is printed "$(cat bare)" $'low:1\nhigh:a'
	# Each can wake it.
	background tqueue run high low -- cat
	sleep 0.5
	tqueue send low x
	soon test -s printed
	tqueue send high y
	soon holds high 0
	kill "$runner"
	over 143
	is printed "$(cat printed)" xy
}

# Lines are whole, even if several jobs write at the same time.
test_run_lines() {
	job letters <<-'END'
		#!/bin/sh
		read -r letter
		line=$(printf "%050d" 0 | sed "s/0/$letter/g")
		for i in 1 2 3 4 5 6; do
			printf %s "$line"
			printf %s "$line" >&2
			echo "$line"
			echo "$line" >&2
		done
		printf "$letter without an end"
	END
	tqueue create jobs
	tqueue send jobs a b c d e f g h
	gives 0 tqueue run jobs -j 4 --all --quiet -- ./letters
	is "lines that are whole" "$(grep -c -E '^([a-h])\1{99}$' out)" 48
	is "lines that are whole, of stderr" "$(grep -c -E '^([a-h])\1{99}$' err)" 48
	is "lines without an end" "$(grep -c '^[a-h] without an end$' out)" 8
	is "all lines" "$(wc -l <out) $(wc -l <err)" "56 48"
	tqueue send jobs a b c d
	gives 0 tqueue run jobs -j 4 --all --tag --quiet -- ./letters
	is "lines with a tag" "$(grep -c -E $'^jobs:[0-9]+\t([a-h])\\1{99}$' out)" 24
	is "tags" "$(cut -f 1 out | sort -u | wc -l)" 4
	is "lines with a tag, of stderr" "$(grep -c -E $'^jobs:[0-9]+\t([a-h])\\1{99}$' err)" 24
	# What belongs to one job stands together.
	tqueue send jobs a b c d
	gives 0 tqueue run jobs -j 4 --all --group --quiet -- ./letters
	is "groups" "$(cut -c 1 out | uniq | wc -l)" 4
	is "all lines" "$(wc -l <out) $(wc -l <err)" "28 24"
	# Alone, and without any of these, it writes as it likes.
	tqueue send jobs a
	gives 0 tqueue run jobs --all -- sh -c 'where=$(readlink /proc/$$/fd/1); echo "$where" >where; printf whole'
	has where "$PWD/out"
	is printed "$(cat out)" whole
	# A line of many pieces, and more than a pipe holds.
	tqueue send jobs x y
	gives 0 tqueue run jobs -j 2 --all --quiet -- sh -c 'head -c 3000000 /dev/zero | tr "\0" x; echo'
	is "bytes of long lines" "$(tr -d '\n' <out | wc -c)" 6000000
	tqueue send jobs x y
	gives 0 tqueue run jobs -j 2 --all --group --quiet -- seq 100000
	is "lines of two groups" "$(wc -l <out)" 200000
}

test_run_dry_run() {
	tqueue create jobs
	tqueue send jobs "two words" x
	tqueue send --delay=1h jobs later
	gives 0 tqueue run jobs --dry-run -I {} -- touch ran-{} plain
	sed 's/^jobs:[0-9]*\t//' out >bare
	is "what would run" "$(cat bare)" $'touch \'ran-two words\' plain\ntouch ran-x plain'
	is "lines with an id" "$(grep -c '^jobs:[0-9]' out)" 2
	[ ! -e ran-x ] || no "it was run"
	counted jobs 2 0 1 0
	listed 1 '"attempts":0,'
	gives 5 tqueue run nothing --dry-run -- true
	tqueue recv --all jobs >/dev/null
	gives 0 tqueue run jobs --dry-run -- true
	out ""
}

test_run_quiet() {
	ending_job
	tqueue create jobs
	tqueue send jobs 0 1
	gives 8 tqueue run jobs --all --quiet -- ./end
	is "lines of the log" "$(wc -l <err)" 1
	err "failed with status 1"
}

# Whoever is killed, no message is lost, and never do two have it.
test_run_killed() {
	local job
	waiting_job
	tqueue create jobs
	# The job: it counts as an attempt.
	tqueue send jobs one
	background tqueue run jobs -- ./wait
	soon lines began 1
	kill -KILL "$(cut -d ' ' -f 1 began)"
	soon counts jobs 0 0 1 0
	listed 1 '"attempts":1,"code":137,'
	# The runner: its job gets SIGTERM, and the message is back when it ends.
	tqueue kick --delayed jobs >/dev/null
	soon lines began 2
	job=$(sed -n '2s/ .*//p' began)
	kill -KILL "$runner"
	soon gone "$job"
	soon counts jobs 1 0 0 0
	listed 1 '"reason":"closed"' '"attempts":2,'
	tqueue recv jobs >/dev/null
	# The job goes on, if it will, and has the message as long.
	tqueue send jobs deaf
	rm began
	background tqueue run jobs -- ./wait
	soon lines began 1
	job=$(cut -d ' ' -f 1 began)
	kill -KILL "$runner"
	wait "$runner"
	background tqueue run jobs --count=1 -- ./wait
	sleep 0.7
	counted jobs 0 1 0 0
	is "jobs that began" "$(wc -l <began)" 1
	kill -KILL "$job"
	soon lines began 2
	is "attempt of the second" "$(sed -n '2s/.* //p' began)" 2
	touch go
	over 0
	# Both: it is back at once.
	rm go began
	tqueue send jobs deaf
	background tqueue run jobs -- ./wait
	soon lines began 1
	kill -KILL "$runner" "$(cut -d ' ' -f 1 began)"
	soon counts jobs 1 0 0 0
	listed 1 '"attempts":1,'
	wait "$runner"
	# Jobs that inherit nothing do not keep it.
	rm began
	background tqueue run jobs --no-inherit -- ./wait
	soon lines began 1
	kill -KILL "$runner"
	soon counts jobs 1 0 0 0
	job=$(cut -d ' ' -f 1 began)
	! gone "$job" || no "the job has ended, too"
	kill -KILL "$job"
	wait "$runner"
} 2>/dev/null

# One that hangs loses its jobs after the limit, and does no harm when it comes back.
test_run_hangs() {
	local first job
	waiting_job
	tqueue create jobs --lease-limit=1s
	tqueue send jobs deaf
	background tqueue run jobs -- ./wait
	soon lines began 1
	job=$(cut -d ' ' -f 1 began)
	first=$runner
	kill -STOP "$first"
	mv log log1
	background tqueue run jobs --count=1 -- sh -c 'echo "$TQUEUE_ATTEMPT" >second; cat'
	soon test -s second
	over 0
	is "what the second did" "$(cat second printed)" $'2\ndeaf'
	is acknowledged "$(attribute jobs received)" 1
	kill -CONT "$first"
	soon gone "$job"
	mv log1 log
	soon log_has "its lease was over"
	kill -TERM "$first"
	runner=$first
	over 143
	is acknowledged "$(attribute jobs received)" 1
	# A job that is stopped loses it as well; its runner kills it then.
	tqueue send jobs x
	background tqueue run jobs -- sh -c 'echo $$ >stopped; kill -STOP $$'
	soon log_has "its lease was over"
	kill -TERM "$runner"
	over 143
	gone "$(cat stopped)" || no "the stopped job is still there"
}

# The limit of a lease is longer than what a job may take with --timeout.
test_run_limit() {
	tqueue create jobs --lease-limit=300ms
	tqueue send jobs x
	gives 0 tqueue run jobs --all --timeout=1min -- sleep 1
	tqueue send jobs x
	gives 0 tqueue run jobs --all --timeout=infinity -- sleep 1
	tqueue send jobs x
	gives 8 tqueue run jobs --count=1 -- sleep 3
	err "its lease was over"
	listed 1 '"reason":"limit"' '"attempts":1,'
}

# Processes that a job leaves behind delay neither the job nor the runner.
test_run_daemon() {
	local j
	job leave <<-'END'
		#!/bin/sh
		sleep 1000 &
		echo $! >>left
		read -r how
		echo done
		exit "$how"
	END
	tqueue create jobs
	for j in 1 2; do
		tqueue send jobs 0 3
		gives 8 tqueue run jobs -j $j --all -- ./leave
		is printed "$(cat out)" $'done\ndone'
		counted jobs 0 0 1 0
		listed 1 '"code":3,'
		tqueue kick --delayed jobs >/dev/null
		tqueue recv jobs >/dev/null
	done
	tqueue send jobs 0
	gives 0 tqueue run jobs --group --all -- ./leave
	is "daemons that were left alone" "$(wc -l <left)" 5
	while read -r pid; do
		gone "$pid" && no "a daemon is gone"
		kill -KILL "$pid"
	done <left
}

# A job that fills its own queue waits for itself: it is seen and said.
test_run_held_up() {
	tqueue create jobs --size=4K
	tqueue send jobs x
	background tqueue run jobs -- sh -c 'yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | head -n 200 | tqueue send --lines jobs; touch sent'
	soon blocks jobs
	sleep 5
	log_has "held up" || no "it is not told: $(cat log)"
	log_has "tqueue set jobs --size" || no "no cure is told: $(cat log)"
	is "how often it is told" "$(grep -c 'held up:' log)" 1
	# The cure works.
	tqueue set jobs --size=64K
	soon test -e sent
	# The second stops the job, which sends more. Two of one kind could arrive as one.
	kill "$runner"
	kill -HUP "$runner"
	soon gone "$runner"
	wait "$runner"
	tqueue pause jobs
} 2>/dev/null

# No more processes: it waits for them, and nothing fails.
test_run_no_process() {
	tqueue create jobs --owner=nobody --max-attempts=1
	tqueue send jobs x
	# Two of that user, and a third is one too many.
	as_nobody 'echo $$ >blocker; exec sleep 1000' &
	soon test -s blocker
	background as_nobody exec bash -c "'ulimit -u 2; exec tqueue run jobs --count=1 -- touch ran'"
	soon log_has "cannot be started now: Resource temporarily unavailable"
	sleep 2.5
	is "how often it is told" "$(grep -c 'cannot be started now' log)" 1
	listed 1 '"attempts":0,'
	kill -KILL "$(cat blocker)"
	soon test -e ran
	over 0
	is acknowledged "$(attribute jobs received)" 1
	# No more files.
	tqueue send jobs x
	gives 0 bash -c 'ulimit -n 14; exec tqueue run jobs -j 4 --all -- true'
}

# Where its output goes has gone, or is full.
test_run_output_gone() {
	tqueue create jobs
	seq 200 | tqueue send --lines jobs
	tqueue run jobs -j 2 --all -- sh -c 'cat; sleep 0.1' 2>err | head -n 1 >first
	is "status without a reader" "${PIPESTATUS[0]}" 1
	[ -s first ] || no "nothing was printed"
	err "nobody reads the standard output"
	[ "$(attribute jobs messages)" -gt 100 ] || no "only $(attribute jobs messages) are left"
	counted jobs "$(attribute jobs messages)" 0 0 0
	tqueue recv --all jobs >/dev/null
	tqueue send jobs 1 2 3
	tqueue run jobs -j 2 --all -- cat >/dev/full 2>err
	is "status with a full disk" $? 1
	err "No space left on device"
	# Alone a job sees it for itself, and SIGPIPE is what it was.  One of those before may have
	# seen a pipe without a reader, and is delayed.
	tqueue kick --delayed jobs >/dev/null
	tqueue recv --all jobs >/dev/null 2>&1
	tqueue send jobs 1
	gives 8 sh -c 'tqueue run jobs --all -- cat >/dev/full'
	listed 1 '"code":1,'
	tqueue recv --all jobs >/dev/null 2>&1
	tqueue kick --delayed jobs >/dev/null
	tqueue run jobs --all -- yes 2>err | head -n 1 >first
	is "status when a job had SIGPIPE" "${PIPESTATUS[0]}" 8
	err "was ended by SIGPIPE"
	# Closed files are not mixed up with those of the queue or the job.
	for j in 1 2; do
		tqueue kick --delayed jobs >/dev/null
		tqueue recv --all jobs >/dev/null 2>&1
		tqueue send jobs text
		gives 0 sh -c "tqueue run jobs -j $j --all -- sh -c 'cat >got' >&- 2>&-"
		is "what the job got" "$(cat got)" text
		tqueue send jobs text
		sh -c "tqueue run jobs -j $j --all -- sh -c 'cat >got; echo more; echo more >&2' >&- 2>&-"
		is "what the job got" "$(cat got)" text
		counted jobs 0 0 $((j == 1)) 0
	done
	tqueue send jobs text
	gives 0 sh -c 'tqueue run jobs --all --quiet -- cat 2>/dev/full'
}

# What is leased elsewhere, and what is paused, it waits for.
test_run_waits() {
	tqueue create jobs --max-leased=1
	tqueue send jobs 1 2 3
	gives 0 tqueue run jobs -j 3 --count=3 -- sh -c 'sleep 0.2; cat'
	is "jobs done" "$(attribute jobs received)" 3
	tqueue pause jobs
	tqueue send jobs x
	background tqueue run jobs -- cat
	sleep 0.7
	counted jobs 1 0 0 0
	tqueue resume jobs
	soon test -s printed
	kill "$runner"
	over 143
}

test_terminal_run() {
	terminal 80 || return
	waiting_job
	tqueue create jobs
	tqueue send jobs one two three deaf
	types 'tqueue run jobs -j 2 -- ./wait'
	soon shows '^2 running, 0 done, 0 failed, 2 waiting$'
	is "lines of progress" "$(screen | grep -c waiting)" 1
	keys C-z
	soon shows Stopped
	types fg
	soon shows '^2 running, 0 done, 0 failed, 2 waiting'
	# Jobs do not get the interrupt.
	keys C-c
	soon shows 'ends when 2 running jobs have ended; another signal stops them$'
	soon shows '^2 running, 0 done, 0 failed, 2 waiting; ending$'
	touch go
	ends_with 130
	is "what is done" "$(sort ended | xargs)" "one two"
	shows 'job [0-9]+ is done, after' || no "$(screen)"

	rm go began
	types 'tqueue run jobs -j 2 -- ./wait'
	soon lines began 2
	keys C-c
	soon shows 'another signal stops them$'
	keys C-c
	soon shows 'stops 2 running jobs; another signal kills them$'
	soon shows 'job [0-9]+ was stopped, and went back to its place$'
	keys C-c
	ends_with 130
	counted jobs 2 0 0 0
	listed 1 '"attempts":0,'
	# Alone a job has the terminal for itself.
	types 'tqueue run jobs --count=1 -- sh -c "cat; sleep 2.5"'
	ends_with 0
	is "lines of progress" "$(screen | grep -c waiting)" 0
	shows '^three' || no "$(screen)"
}
