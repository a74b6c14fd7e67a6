# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue doctor. Each test causes the problem that the doctor must find.

# finds STATUS PROBLEM... [-- OPTION...]: what it says of jobs, and of nothing else.
finds() {
	local status=$1 wanted=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		wanted+=("$1")
		shift
	done
	shift
	gives "$status" tqueue doctor jobs "$@"
	is "what it finds" "$(sed -n 's/.*\[\([a-z-]*\)\]$/\1/p' out | xargs)" "${wanted[*]}"
}
# worker [COMMAND]: a process that has leased all messages of jobs, and then does that; its number becomes $worker.
worker() {
	bash -c "exec 3</dev/tq/jobs; tqueue recv --lease --fd=3 --all >/dev/null; ${1:-exec sleep 1000}" &
	worker=$!
	soon has_leased
}
has_leased() {
	[ "$(attribute jobs messages)" = 0 ] && [ "$(attribute jobs leased)" != 0 ] && ! runs
}
# in_state STATE: the worker is.
in_state() {
	grep -q "^State:[[:space:]]*$1" "/proc/$worker/status"
}
end_worker() {
	kill -KILL "$worker"
	wait "$worker" 2>/dev/null
}
# fill: until there is no room.
fill() {
	while tqueue send --timeout=0 jobs xxxxxxxxxxxxxxxx 2>/dev/null; do :; done
}

test_doctor_well() {
	tqueue create jobs
	gives 0 tqueue doctor
	out "TQUEUE OK: 2 queues checked"
	gives 0 tqueue doctor --json jobs
	out '{"status":"ok","queues":1,"problems":[]}'
	gives 3 tqueue doctor --nonsense
	gives 3 tqueue doctor --age=soon
	gives 2 tqueue doctor nosuch
	has out "TQUEUE CRITICAL: 1 problem, 0 queues checked" "nosuch: no such queue" "[no-queue]"
	gives 3 tqueue doctor /etc/passwd
	# A job that is being done, and one that has just been sent, are no problem.
	tqueue send jobs x
	gives 0 tqueue doctor
	worker
	gives 0 tqueue doctor
	end_worker
}

test_doctor_readers() {
	tqueue create jobs --size=4K
	tqueue send jobs x
	sleep 1
	finds 1 no-reader -- --age=0
	has out "jobs: warning: it has no reader: 1 message waits, the oldest for " "start its worker"
	gives 1 tqueue doctor --age=0 --json
	has out '{"status":"warning","queues":2,"problems":[{"severity":"warning","queue":"jobs","problem":"no-reader","text":"it has no reader'
	fill
	finds 2 no-reader full -- --age=0
	has out "it has no reader: " "it is full ("
	# A reader that does not read.
	sh -c 'exec 3</dev/tq/jobs; head -c 16 <&3; kill -STOP $$' >/dev/null &
	worker=$!
	soon in_state T
	finds 1 slow stopped-reader full -- --age=0
	has out "its 1 reader does not keep up" "process $worker (sh -c exec 3" "has it open for reading, and is stopped" "kill -CONT $worker"
	end_worker
}

test_doctor_partial() {
	tqueue create jobs
	tqueue send jobs 0123456789
	bash -c 'exec 3</dev/tq/jobs; dd bs=1 count=3 <&3 >/dev/null 2>&1; exec sleep 1000' &
	worker=$!
	sleep 1
	finds 1 partial -- --age=0
	has out "process $worker (sleep 1000) has read a part of a message, and holds the other 7 bytes"
	finds 0 --
	kill -STOP "$worker"
	soon in_state T
	finds 2 partial --
	has out "process $worker (sleep 1000) is stopped, has read a part"
	end_worker
}

test_doctor_workers() {
	tqueue create jobs
	tqueue send jobs x
	worker
	sleep 1
	finds 1 old-lease -- --age=0
	has out "process $worker (sleep 1000) has leased message 1 for " "tqueue requeue --force jobs 1"
	end_worker
	# One with a limit comes back by itself.
	tqueue set jobs --lease-limit=1h
	worker
	sleep 1
	finds 0 -- --age=0
	kill -STOP "$worker"
	soon in_state T
	finds 2 stopped-worker --
	has out "process $worker (sleep 1000) is stopped, and has 1 message leased" "kill -CONT $worker"
	end_worker
	worker "exec stuck"
	soon in_state D
	finds 2 stopped-worker --
	has out "process $worker (stuck) cannot be woken (D state), and has 1 message leased" "/proc/$worker/stack"
	end_worker
}

test_doctor_deadlock() {
	tqueue create jobs --size=4K
	fill
	worker "echo more >/dev/tq/jobs"
	soon blocks jobs
	finds 2 deadlock full --
	has out "all workers that have leased messages (1) wait to send to this queue"
	end_worker
	# One that could go on is no deadlock.
	worker
	sh -c 'echo more >/dev/tq/jobs' &
	soon blocks jobs
	finds 1 held-up full --
	has out "only workers that have leased messages can make room" "1 sender waits for room"
	kill $!
	end_worker
}

test_doctor_state() {
	tqueue create jobs --size=4K --overflow=reject
	tqueue stop jobs
	finds 1 stopped --
	has out "tqueue start jobs"
	tqueue start jobs
	tqueue send jobs x
	tqueue pause jobs
	finds 1 paused --
	has out "1 message is ready" "tqueue resume jobs"
	tqueue resume jobs
	fill
	finds 2 no-reader full -- --age=0
	has out "sends fail"
	tqueue set jobs --overflow=drop-oldest
	tqueue send jobs x
	finds 1 full --
	has out "new messages replace old ones: 1 were dropped"
}

test_doctor_buried() {
	tqueue create jobs --size=4K --max-attempts=1 --on-expired=bury
	printf '%s\n' one two three four five | tqueue send --lines jobs
	exec 3</dev/tq/jobs
	for code in 7 7 9; do
		lease=$(tqueue recv --lease --fd=3)
		tqueue bury --fd=3 --code=$code "${lease%% *}"
	done
	lease=$(tqueue recv --lease --fd=3)
	tqueue requeue --fd=3 "${lease%% *}" 2>/dev/null
	tqueue set jobs --ttl=1ms
	soon buries 5
	exec 3<&-
	finds 1 buried --
	has out "5 messages are buried: 3 by their workers, 1 after their last attempt, 1 because they expired (ttl); codes of their workers: 7 (2), 9 (1)" \
		"tqueue kick jobs"
	tqueue set jobs --max-buried=240
	finds 2 buried max-buried --
	has out "delayed by an hour"
}
buries() {
	[ "$(attribute jobs buried)" = "$1" ]
}

test_doctor_room() {
	tqueue create jobs --size=4K
	head -c 900 /dev/zero >message
	tqueue send --delay=1h --file=message --file=message --file=message jobs
	finds 1 room --
	has out "69 % of its room is taken by messages that are buried (0 %) or delayed (69 %)"
}

test_doctor_node() {
	tqueue create jobs
	rm /dev/tq/jobs
	finds 2 no-node --
	has out "its device file /dev/tq/jobs is missing" "tqueue apply jobs"
	echo x >/dev/tq/jobs
	finds 2 wrong-node --
	has out "/dev/tq/jobs is not its device file"
	rm /dev/tq/jobs
	mknod /dev/tq/jobs c 1 3
	finds 2 wrong-node --
	tqueue apply jobs >/dev/null
	finds 0 --
	# What stood in its place was moved aside.
	rm /dev/tq/jobs.~1~
}

test_doctor_permission() {
	tqueue create jobs
	gives 1 as_nobody tqueue doctor jobs
	has out "this program, with user id 65534, may not receive from it [no-permission]" "for group tqueue" "adduser USER tqueue"
	# Of queues that others do not ask for it is none of their business.
	gives 0 as_nobody tqueue doctor
	# Nor may this user look at the device file.
	chmod 700 /dev/tq
	gives 1 as_nobody tqueue doctor jobs
	has out "[no-permission]" "a directory above it may not be searched"
	chmod 755 /dev/tq
}

test_doctor_cannot_open() {
	tqueue create jobs
	rm /dev/tq/jobs
	ln -s jobs /dev/tq/jobs
	finds 3 cannot-open --
	has out "TQUEUE UNKNOWN: " "it cannot be opened: Too many levels of symbolic links"
	rm /dev/tq/jobs
	tqueue apply jobs >/dev/null
	finds 0 --
}

test_doctor_no_sysfs() {
	gives 3 unshare -m sh -c "umount -l /sys; tqueue doctor"
	has out "this program has no /sys, and cannot see the driver [no-sysfs]" "MountAPIVFS=yes"
}

# A command that knows more than the driver.
test_doctor_old_driver() {
	gives 1 newer doctor
	has out "the driver is older than this command: it lacks features (0x4000000000000000) [old-driver]" "upgrade tqueue-dkms"
}

test_doctor_memory() {
	local group=/sys/fs/cgroup/jobs
	mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
	if ! echo +memory >/sys/fs/cgroup/cgroup.subtree_control; then
		# shellcheck disable=SC2034 # whoever calls this looks at it
		skipped="this kernel has no memory cgroups"
		return
	fi
	tqueue create jobs
	mkdir "$group"
	echo 8M >"$group/memory.max"
	sleep 1000 3<>/dev/tq/jobs &
	worker=$!
	# What comes to the limit is killed, and nothing else.
	echo -1000 >"/proc/$worker/oom_score_adj"
	echo "$worker" >"$group/cgroup.procs"
	finds 0 --
	{ sh -c "echo \$\$ >$group/cgroup.procs; exec dd if=/dev/zero of=/dev/shm/fill bs=64K count=1000"; } 2>/dev/null
	finds 1 memory --
	has out "process $worker (sleep 1000) is in the cgroup /jobs, which is at its memory limit (8388608 bytes)" ENOMEM \
		"memory.max in /sys/fs/cgroup/jobs"
	end_worker
	rm /dev/shm/fill
	rmdir "$group"
	umount /sys/fs/cgroup
}

# A unit that was started before the driver was loaded again, according to systemd.
test_doctor_units() {
	mkdir -p bin /run/systemd/system
	cat >bin/systemctl <<'END'
#!/bin/sh
cat <<'UNITS'
Id=good.service
DeviceAllow=char-tqueue rw
ActiveEnterTimestampMonotonic=99999999999999

Id=other.service
DeviceAllow=/dev/null rw
ActiveEnterTimestampMonotonic=1

Id=stale.service
DeviceAllow=/dev/null rw
DeviceAllow=char-tqueue rw
ActiveEnterTimestampMonotonic=1
UNITS
END
	chmod +x bin/systemctl
	tqueue create jobs
	PATH=$PWD/bin:$PATH finds 0 --
	# As udev writes it down.
	mkdir -p /run/udev/data
	echo "I:1000" >"/run/udev/data/c$(attribute tqueue dev)"
	PATH=$PWD/bin:$PATH finds 1 stale-unit --
	has out "stale.service was started before /dev/tqueue was created" "DeviceAllow=char-tqueue" "systemctl restart stale.service"
	rm -r /run/systemd
	PATH=$PWD/bin:$PATH finds 0 --
	rm -r /run/udev
}

test_doctor_module() {
	local kernel
	kernel=/lib/modules/$(uname -r)
	rmmod tqueue || no "the module does not unload"
	gives 2 tqueue doctor
	has out "the driver is not loaded [not-loaded]" "modprobe tqueue"
	# Not even built for this kernel.
	mkdir -p "$kernel"
	: >"$kernel/modules.dep"
	gives 2 tqueue doctor
	has out "it is not built for this kernel, $(uname -r)" "apt install tqueue-dkms"
	load
	# Another one is installed.
	echo "updates/dkms/tqueue.ko: kernel/x.ko" >"$kernel/modules.dep"
	mkdir -p "$kernel/updates/dkms"
	cp /guest/other.ko "$kernel/updates/dkms/tqueue.ko"
	gives 1 tqueue doctor
	has out "the loaded driver (version $(cat /sys/module/tqueue/version)) is not the installed one (version 9.9.9, $kernel/updates/dkms/tqueue.ko)" \
		"update-initramfs -u"
	cp /guest/tqueue.ko "$kernel/updates/dkms/"
	gives 0 tqueue doctor
	# A kernel that may be booted next has none; one that was removed does not matter.
	mkdir -p /lib/modules/9.9.9-1-amd64 /lib/modules/8.8.8-1-amd64 /boot
	: >/lib/modules/9.9.9-1-amd64/modules.dep
	: >/lib/modules/8.8.8-1-amd64/modules.dep
	: >/boot/vmlinuz-9.9.9-1-amd64
	gives 1 tqueue doctor
	has out "1 problem, " "not built for the kernel 9.9.9-1-amd64" "apt install linux-headers-9.9.9-1-amd64"
	rm -r /lib/modules/*
}
