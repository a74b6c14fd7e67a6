# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: the device files: in sandboxes, if another file is in their place, and how they are opened.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

# Where something else stands in place of a queue's device file, nothing is sent into that.
test_wrong_nodes() {
	local number
	mkdir -p /dev/tq
	# in_the_way WHAT STATUS COMMAND...: makes /dev/tq/jobs such a thing; no queue is made, and a send ends with that status.
	in_the_way() {
		local what=$1 status=$2
		shift 2
		"$@"
		gives 1 tqueue create jobs
		err "tqueue: jobs: /dev/tq/jobs is $what, not the device file" '"tqueue create jobs"'
		[ ! -e /sys/class/tqueue/jobs ] || no "there is a queue: $what"
		gives "$status" tqueue send jobs x
		err "/dev/tq/jobs is $what"
		rm -r /dev/tq/jobs
	}
	in_the_way "a regular file" 1 cp /dev/null /dev/tq/jobs
	in_the_way "a directory" 1 mkdir /dev/tq/jobs
	in_the_way "a link to another file" 5 ln -s /tmp/nothing /dev/tq/jobs
	in_the_way "the device file of another device" 5 mknod /dev/tq/jobs c "$(attribute tqueue dev | cut -d : -f 1)" 999
	in_the_way "another kind of file" 1 mkfifo /dev/tq/jobs

	# What was removed is made again, as it was, with and without a file.
	tqueue create jobs --group=nogroup --mode=0640
	rm /dev/tq/jobs
	gives 1 tqueue create jobs
	err "already" "device file /dev/tq/jobs is missing (make it with \"tqueue apply jobs\")"
	gives 5 tqueue send jobs x
	err "device file /dev/tq/jobs is missing (make it with \"tqueue apply jobs\")"
	gives 5 tqueue set jobs --mode=0666
	err "is missing"
	gives 0 tqueue show jobs
	has out "access       none" "tqueue apply jobs"
	gives 0 tqueue show --json jobs
	gives 1 as_nobody tqueue apply
	err "cannot make /dev/tq/jobs again"
	gives 0 tqueue apply jobs
	out "jobs: made /dev/tq/jobs again"
	is access "$(stat -c '%U:%G %a' /dev/tq/jobs)" root:nogroup\ 640
	gives 0 tqueue send jobs x
	gives 1 tqueue apply jobs
	err "no configuration file (expected "
	rm /dev/tq/jobs
	echo early >/dev/tq/jobs
	gives 1 tqueue send jobs y
	err "is a regular file" "\"tqueue apply jobs\" moves it aside"
	gives 1 tqueue recv jobs
	gives 1 tqueue set jobs --mode=0666
	err "is a regular file"
	is "mode of the file" "$(stat -c %a /dev/tq/jobs)" 644
	gives 0 tqueue apply
	out $'jobs: moved /dev/tq/jobs to /dev/tq/jobs.~1~\njobs: made /dev/tq/jobs again'
	is "what was aside" "$(cat /dev/tq/jobs.~1~)" early
	echo late >/dev/tq/jobs
	gives 0 tqueue recv --all jobs
	out $'x\nlate'
	# A directory, and a second thing moved aside; a link stays a link.
	rm /dev/tq/jobs
	ln -s /tmp/nothing /dev/tq/jobs
	gives 0 tqueue apply jobs
	has out "/dev/tq/jobs.~2~"
	[ -L /dev/tq/jobs.~2~ ] || no "it is no link any more"
	[ ! -e /tmp/nothing ] || no "the link was followed"
	# The kernel does not remove what it did not make.
	gives 0 tqueue remove jobs
	[ ! -e /dev/tq/jobs ] || no "the device file of a removed queue is left"
	tqueue create jobs
	rm /dev/tq/jobs
	echo mine >/dev/tq/jobs
	gives 0 tqueue remove jobs
	err "/dev/tq/jobs is not its device file and was left"
	has /dev/tq/jobs mine
	rm /dev/tq/jobs*

	# One of another queue is not taken for it.
	tqueue create a
	tqueue create b
	number=$(attribute a dev)
	rm /dev/tq/b
	mknod /dev/tq/b c "${number%:*}" "${number#*:}"
	gives 1 tqueue send b x
	err "/dev/tq/b is the device file of another device"
	is "messages of a" "$(attribute a messages)" 0
	# But a link by another name leads where it leads.
	ln -s a /dev/tq/alias
	gives 0 tqueue send alias x
	is "messages of a" "$(attribute a messages)" 1
	rm /dev/tq/alias
	gives 0 tqueue apply b
	out "b: made /dev/tq/b again"
	gives 0 tqueue send b x

	# From its file, at the start of the machine.
	mkdir -p "$conf"
	printf '[Queue]\nMode=0606\n' >"$conf"/early.conf
	echo job >/dev/tq/early
	gives 0 tqueue apply
	out $'early: created\nearly: moved /dev/tq/early to /dev/tq/early.~1~\nearly: made /dev/tq/early again'
	is mode "$(stat -c %a /dev/tq/early)" 606
	echo job >/dev/tq/early
	is messages "$(attribute early messages)" 1
	rm -r /dev/tq/early.~1~ /etc/tqueue

	# The default queue, the control device, and the directory itself.
	mv /dev/tqueue default
	mv /dev/tqueue-control control
	echo job >/dev/tqueue
	echo job >/dev/tqueue-control
	gives 1 tqueue send tqueue x
	err "/dev/tqueue is a regular file"
	gives 1 tqueue create jobs
	err "/dev/tqueue-control is not the device file of the driver"
	mkdir -p "$conf"
	printf '[Queue]\n' >"$conf"/tqueue.conf
	gives 0 tqueue apply
	has out "tqueue: made /dev/tqueue again" "tqueue-control: made /dev/tqueue-control again"
	is access "$(stat -c '%U:%G %a' /dev/tqueue /dev/tqueue-control)" $'root:tqueue 660\nroot:root 600'
	rm -r /etc/tqueue
	mv default /dev/tqueue
	mv control /dev/tqueue-control
	rm /dev/tqueue*.~1~
	gives 0 tqueue send tqueue x
	mv /dev/tq directory
	echo job >/dev/tq
	gives 0 tqueue apply a
	has out "moved /dev/tq to /dev/tq.~1~"
	gives 0 tqueue send a x
	rm -r /dev/tq /dev/tq.~1~
	mv directory /dev/tq
}

# Where a sandbox is in the way, it says so.
test_sandboxes() {
	local major
	tqueue create jobs
	# PrivateDevices=yes: another /dev.
	cat >private <<-'END'
		mount -t tmpfs none /dev
		"$@"
	END
	for command in "send jobs x" "recv jobs"; do
		# shellcheck disable=SC2086 # words
		gives 5 unshare -m sh private tqueue $command
		err "queue exists, but not in the /dev of this program" PrivateDevices=yes BindPaths=/dev/tq DeviceAllow=char-tqueue
	done
	gives 1 unshare -m sh private tqueue create more
	err "/dev/tqueue-control is not in the /dev of this program" PrivateDevices=yes
	# One that has the control device, but not what that makes.
	cat >private <<-'END'
		mkdir there
		touch there/tqueue-control
		mount --bind /dev/tqueue-control there/tqueue-control
		mount --rbind there /dev
		"$@"
	END
	gives 1 unshare -m sh private tqueue create more
	err "/dev/tq/more"
	[ ! -e /sys/class/tqueue/more ] || no "a queue was made that has no file"

	# DevicePolicy=closed. The number of the driver is in no list.
	major=$(attribute jobs dev | cut -d : -f 1)
	mkdir groups
	if mount -t cgroup -o devices none groups; then
		mkdir groups/closed
		echo "c $major:* rwm" >groups/closed/devices.deny
		echo "c 10:* rwm" >groups/closed/devices.deny
		cat >closed <<-'END'
			echo $$ >groups/closed/cgroup.procs
			"$@"
		END
		for command in "send jobs x" "recv jobs" "wait jobs"; do
			# shellcheck disable=SC2086 # words
			gives 1 sh closed tqueue $command
			err "jobs: device policy forbids this program" DevicePolicy= DeviceAllow=char-tqueue
		done
		gives 1 sh closed tqueue create more
		err "forbids this program to use /dev/tqueue-control" DeviceAllow=/dev/tqueue-control
		rmdir groups/closed
		umount groups
	else
		no "there are no device groups to test with"
	fi
	# A file system without devices, as bwrap --bind makes it.
	cat >nodev <<-'END'
		mount --bind /dev/tq /dev/tq
		mount -o remount,bind,nodev /dev/tq
		"$@"
	END
	gives 1 unshare -m sh nodev tqueue send jobs x
	err "without devices (mounted with nodev"

	# No /sys: what does not need it works.
	cat >without <<-'END'
		mount -t tmpfs none /sys
		"$@"
	END
	gives 0 unshare -m sh without tqueue send jobs x
	gives 0 unshare -m sh without tqueue recv jobs
	out x
	for command in list "show jobs" "send nothing x"; do
		# shellcheck disable=SC2086 # words
		gives 7 unshare -m sh without tqueue $command
		err "not visible because this program has no /sys" MountAPIVFS=yes
	done
	gives 0 unshare -m sh without tqueue create more
	[ -e /dev/tq/more ] || no "no queue was made"
}

has_a_reader() {
	[ "$(attribute jobs readers)" = 1 ]
}

# opened_for MODE COMMAND...: the access mode of open(2) in which that command, which waits, has the queue jobs open.
opened_for() {
	local wanted=$1 pid
	shift
	"$@" >/dev/null 2>&1 &
	pid=$!
	soon has_open "$pid" /dev/tq/jobs
	is "the access mode of '$*'" "$(sed -n 's/^flags:.*\(.\)$/\1/p' "/proc/$pid/fdinfo/${file##*/}")" "$wanted"
	kill "$pid"
	wait "$pid"
}

# has_open PROCESS PATH: which of its files it is goes into $file.
has_open() {
	for file in "/proc/$1/fd"/*; do
		[ "$(readlink "$file")" != "$2" ] || return 0
	done
	return 1
}

# Commands that look are neither readers nor writers, and change nothing for readers and writers.
test_looking() {
	local reader writer file
	tqueue create jobs --end-of-file=last-writer --owner=nobody --mode=0666
	tqueue set jobs --no-reader=error
	opened_for 3 tqueue peek --timeout=20s jobs
	# A reader, and no writer yet.
	tqueue recv --follow jobs >got &
	reader=$!
	soon has_a_reader
	tqueue peek jobs 2>/dev/null
	tqueue wait jobs
	for command in "set jobs --overflow=block" "start jobs" "show jobs" "wait jobs"; do
		gives 0 as_nobody tqueue "$command"
	done
	is "readers and writers" "$(attribute jobs readers) $(attribute jobs writers)" "1 0"
	tqueue send jobs one
	wait "$reader"
	is "status of the reader" $? 0
	is "what it received" "$(cat got)" one

	# A writer, and no reader yet.
	mkfifo lines
	tqueue send --lines jobs <lines 2>said &
	writer=$!
	exec 3>lines
	echo two >&3
	soon holds jobs 1
	gives 0 tqueue peek jobs
	out two
	opened_for 3 tqueue wait jobs
	for command in "set jobs --overflow=block" "peek jobs" "peek --all jobs" "list" "show jobs"; do
		gives 0 as_nobody tqueue "$command"
	done
	is "readers and writers" "$(attribute jobs readers) $(attribute jobs writers)" "0 1"
	echo three >&3
	soon holds jobs 2
	exec 3>&-
	wait "$writer"
	is "status of the writer" $? 0
	is "what it said" "$(cat said)" ""

	# Who has one right only uses that one.
	chmod 604 /dev/tq/jobs
	chown root /dev/tq/jobs
	gives 0 as_nobody tqueue peek jobs
	out two
	opened_for 0 su nobody -s /bin/sh -c "exec $(command -v tqueue) wait jobs"
	gives 0 as_nobody tqueue stop jobs
	gives 0 as_nobody tqueue start jobs
	is "readers" "$(attribute jobs readers)" 0
	chmod 602 /dev/tq/jobs
	opened_for 1 su nobody -s /bin/sh -c "exec $(command -v tqueue) wait jobs"
	gives 0 as_nobody tqueue stop jobs
	gives 1 as_nobody tqueue peek jobs
	err "not permitted"
}
