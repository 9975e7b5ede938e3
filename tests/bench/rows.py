# SPDX-License-Identifier: BSD-2-Clause
"""
The rows of the benchmark: what each measures, beside whom, and what it has to reach.
"""

import os
import statistics
import subprocess
import time

import service

N_SUPERVISORS = 100
N_MOUNTS = 5000
CLIENTS, RUNS_PER_CLIENT = 8, 12
CONSOLE_BYTES = 500_000_000
REST_SECONDS = 0.005


class Bound:
    def __init__(self, name, value, limit, word='at most'):
        self.name, self.value, self.limit, self.word = name, value, limit, word

    def holds(self):
        return self.value <= self.limit if self.word == 'at most' else self.value >= self.limit


class Row:
    def __init__(self, title, unit, values):
        self.title, self.unit, self.values, self.bounds = title, unit, values, []

    def median(self, name):
        return statistics.median(self.values[name])

    def ratio(self, one, other, limit, word='at most'):
        """A bound, if both have been measured."""
        if one in self.values and other in self.values:
            self.bounds.append(Bound(f'{one} / {other}', self.median(one) / self.median(other), limit, word))
        return self

    def at_most(self, name, limit):
        self.bounds.append(Bound(name, self.median(name), limit))
        return self

    def as_json(self):
        return {'title': self.title, 'unit': self.unit,
                'medians': {name: statistics.median(values) for name, values in self.values.items()},
                'quartiles': {name: statistics.quantiles(values, n=4)
                              for name, values in self.values.items() if len(values) > 1},
                'bounds': [{'name': bound.name, 'value': bound.value, bound.word: bound.limit, 'holds': bound.holds()}
                           for bound in self.bounds]}


# ---- from the start to the end ----

def oci(program, bundle, name='bench'):
    manager = ('--cgroup-manager=disabled',) if program == 'crun' else ()
    return [program, *manager, 'run', '--bundle', bundle, name]


def start_commands(place):
    root = place.root
    return {
        'unshare': ['unshare', '--mount', '--pid', '--fork', '--ipc', '--uts', '--cgroup', f'--root={root}',
                    '/bin/true'],
        'bwrap': ['bwrap', '--bind', root, '/', '--dev', '/dev', '--proc', '/proc', '--unshare-pid', '--unshare-ipc',
                  '--unshare-uts', '--unshare-cgroup', '/bin/true'],
        'crun': oci('crun', place.bundle),
        'runc': oci('runc', place.bundle),
        'systemd-nspawn': ['systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--volatile=no', '-D', root,
                           '/bin/true'],
        'pflask': [place.pflask, '-T', f'--chroot={root}', '--', '/bin/true'],
        'pflask --direct': [place.pflask, '-T', '--direct', f'--chroot={root}', '--', '/bin/true'],
    }


def start(place, rounds):
    row = Row('From the start to the end of /bin/true on a Debian root', 'ms',
              place.alternate(start_commands(place), rounds))
    return row.ratio('pflask', 'crun', 1.0).ratio('pflask', 'bwrap', 2.2)


def lab_start(place, rounds):
    commands = {
        'systemd-nspawn': ['systemd-nspawn', '--quiet', '--register=yes', '-D', place.root, '--read-only', '/bin/true'],
        # Without a cgroup, and so without the scope that the others have: crun may not load its device filter here.
        'podman': ['podman', '--storage-driver=vfs', 'run', '--rm', '--cgroups=disabled', '--ulimit=host',
                   '--network=none', '--rootfs', place.root, '/bin/true'],
        'pflask': [place.pflask, '-T', f'--chroot={place.root}', '--register=yes', '--', '/bin/true'],
    }
    row = Row('The same with scope and machined', 'ms', place.alternate(commands, rounds))
    return row.ratio('pflask', 'systemd-nspawn', 1 / 8)


# ---- the service's own part ----

def own_part(place, rounds):
    programs = {'the limit': ['bench-limit', place.root], 'the service': ['bench-client', place.root, 'socket'],
                'by the bus': ['bench-client', place.root, 'bus']}
    running = {name: subprocess.Popen([f'{place.build}/tests/bench/{program}', *arguments], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for name, (program, *arguments) in programs.items()}
    values = {f'{name}, {part}': [] for name in programs for part in ('start', 'end')}
    for number in range(rounds + 3):
        for name, process in running.items():
            time.sleep(REST_SECONDS)    # what the one before has left to do is not this one's
            process.stdin.write('\n')
            process.stdin.flush()
            begin, end = process.stdout.readline().split()
            if number >= 3:     # the first ones warm up
                values[f'{name}, start'].append(int(begin) / 1000)
                values[f'{name}, end'].append(int(end) / 1000)
    for name, process in running.items():
        process.stdin.close()
        process.wait()
        values[name] = [sum(both) for both in zip(values[f'{name}, start'], values[f'{name}, end'])]
    row = Row('The service alone, for a client that is connected', 'ms', values)
    return row.ratio('the service', 'the limit', 1.6)


# ---- many at once ----

def rate(command):
    """Containers a second of CLIENTS loops."""
    loop = f'i=0; while [ $i -lt {RUNS_PER_CLIENT} ]; do {command} </dev/null || exit; i=$((i+1)); done'
    begin = time.perf_counter()
    loops = [subprocess.Popen(['sh', '-c', loop, 'sh', str(number)]) for number in range(CLIENTS)]
    if any([loop.wait() for loop in loops]):
        raise SystemExit(f'bench: a loop of {command} has failed')
    return CLIENTS * RUNS_PER_CLIENT / (time.perf_counter() - begin)


def throughput(place, rounds):
    commands = {'crun': ' '.join(oci('crun', place.bundle, 'bench-$1-$i')),
                'pflask': f'{place.pflask} -T --chroot={place.root} -- /bin/true'}
    values = {name: [] for name, command in commands.items()
              if place.works(name, ['sh', '-c', command, 'sh', 'first'])}
    for number in range(max(rounds // 6, 2)):
        for name in values:
            values[name].append(rate(commands[name]))
    row = Row(f'{CLIENTS} clients at once', 'containers a second', values)
    return row.ratio('pflask', 'crun', 1.3, 'at least')


# ---- in one that runs ----

def begin_container(place, name, *command):
    place.run(place.pflask, '--detach', f'--name={name}', f'--chroot={place.root}', '--', *command, check=True,
              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def end_container(place, name):
    place.run(place.pflask, 'terminate', name, check=True)
    place.run(place.pflask, 'wait', name, stdout=subprocess.DEVNULL)


def leader_of(place, name):
    path = f'/org/pflask/Manager1/container/{name}'
    answer = place.run('busctl', 'get-property', 'org.pflask.Manager1', path, 'org.pflask.Container1', 'Leader',
                       check=True, stdout=subprocess.PIPE).stdout
    return answer.split()[1]


def execute(place, rounds, **others):
    begin_container(place, 'bench', 'sleep', '1000')
    nsenter = ['nsenter', '--target', leader_of(place, 'bench'), '--mount', '--uts', '--ipc', '--pid', '--cgroup',
               '--root', '--wd', '/bin/true']
    commands = {'nsenter': nsenter, **others, 'pflask exec': [place.pflask, 'exec', '-T', 'bench', '/bin/true']}
    row = Row('/bin/true in a container that runs', 'ms', place.alternate(commands, rounds))
    end_container(place, 'bench')
    return row


def exec_in(place, rounds):
    return execute(place, rounds).ratio('pflask exec', 'nsenter', 1.5)


def lab_exec(place, rounds):
    others = {'systemd-run': ['systemd-run', '--quiet', '--wait', '--pipe', '/bin/true']}
    row = execute(place, rounds, **others)
    # A booted system is needed for a shell of machined: it asks the container's own systemd.
    boot = (f'mkfifo /run/bench && {place.pflask} --detach --name=system --ephemeral --chroot={place.root} '
            '--mount=bind:/run/bench:/mnt/booted -- /sbin/init && timeout 60 cat /run/bench')
    place.run('sh', '-c', boot, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    shell = {'machinectl shell': ['machinectl', '--quiet', 'shell', 'system', '/bin/true'],
             'pflask shell': [place.pflask, 'exec', '-T', 'system', '/bin/true']}
    row.values.update(place.alternate(shell, rounds))
    end_container(place, 'system')
    return row.ratio('pflask exec', 'nsenter', 1.5).ratio('pflask shell', 'machinectl shell', 1 / 5)


# ---- console ----

def cpu_seconds(pid):
    fields = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def console(place, rounds):
    write = ['head', '-c', str(CONSOLE_BYTES), '/dev/zero']
    commands = {'bare pty': [f'{place.build}/tests/bench/bare-pty', *write],
                'pflask': [place.pflask, '-t', f'--chroot={place.root}', '--', *write]}
    values = {name: [] for name in commands}
    before = cpu_seconds(place.manager.pid)
    for number in range(max(rounds // 20, 1)):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            values[name].append(CONSOLE_BYTES / 1e6 / (time.perf_counter() - begin))
    row = Row(f'{CONSOLE_BYTES // 1_000_000} MB through a console', 'MB/s', values)
    row.ratio('pflask', 'bare pty', 0.95, 'at least')
    row.values["manager's CPU seconds"] = [cpu_seconds(place.manager.pid) - before]
    return row.at_most("manager's CPU seconds", 0.02)     # a few calls, and the clock's grain


# ---- memory ----

def pss_kb(pid):
    """proc(5): each its fair share of what is shared. Return: 0 for one that has just ended."""
    try:
        lines = open(f'/proc/{pid}/smaps_rollup').read().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith('Pss:'))


def pids_of(program):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if open(f'/proc/{pid}/comm').read().strip() == program[:15]:
                yield pid
        except OSError:
            continue


def memory(place, rounds):
    names = [f'pss{number}' for number in range(N_SUPERVISORS)]
    place.restart()     # what earlier rows have made it allocate is not what containers cost
    for name in names:
        begin_container(place, name, 'sleep', '1000')
    sizes = [size for size in map(pss_kb, pids_of('pflask-supervisor')) if size]
    manager = pss_kb(place.manager.pid)
    for name in names:
        end_container(place, name)
    row = Row(f'Proportional memory with {N_SUPERVISORS} containers', 'kB', {
        'all supervisors / containers': [sum(sizes) / len(names)], 'manager': [manager]})
    return row.at_most('all supervisors / containers', 300).at_most('manager', 8192)


# ---- how the cost grows ----

def starts(place, rounds, label):
    commands = {name: command for name, command in start_commands(place).items()
                if name in ('crun', 'systemd-nspawn', 'pflask')}
    return {f'{name}, {label}': times for name, times in place.alternate(commands, rounds).items()}


def grow_containers(place, rounds):
    names = [f'many{number}' for number in range(N_SUPERVISORS)]
    values = starts(place, rounds, 'alone')
    for name in names:
        begin_container(place, name, 'sleep', '1000')
    values.update(starts(place, rounds, f'beside {N_SUPERVISORS}'))
    for name in names:
        end_container(place, name)
    row = Row('The start as containers get more', 'ms', values)
    return row.ratio(f'pflask, beside {N_SUPERVISORS}', 'pflask, alone', 1.3)


def grow_mounts(place, rounds):
    values = starts(place, rounds, 'few mounts')
    directory = f'{place.directory}/mounts'
    os.mkdir(directory)
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', directory], check=True)
    script = f'cd {directory}; i=0; while [ $i -lt {N_MOUNTS} ]; do mkdir $i; mount -t tmpfs none $i; i=$((i+1)); done'
    subprocess.run(['busybox', 'sh', '-c', script], check=True)
    place.restart()
    values.update(starts(place, max(rounds // 3, 5), f'{N_MOUNTS} mounts'))
    subprocess.run(['umount', '--recursive', '--lazy', directory], check=True)
    place.restart()
    row = Row('The start as the mounts of the host get more', 'ms', values)
    return row.ratio(f'pflask, {N_MOUNTS} mounts', f'crun, {N_MOUNTS} mounts', 1.0)


ROWS = {'start': start, 'own-part': own_part, 'throughput': throughput, 'exec': exec_in, 'console': console,
        'memory': memory, 'containers': grow_containers, 'mounts': grow_mounts}
LAB_ROWS = {'lab-start': lab_start, 'lab-exec': lab_exec}
