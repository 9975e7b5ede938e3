# SPDX-License-Identifier: BSD-2-Clause
"""
Where the benchmark runs: this machine with a bus and a manager of its own, or the booted lab.
"""

import json
import os
import shutil
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS = 'unix:path=/run/dbus/system_bus_socket'
NAMESPACES = ('mount', 'pid', 'ipc', 'uts', 'cgroup')

BUS = f'''<busconfig><type>system</type><auth>EXTERNAL</auth><listen>{ADDRESS}</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/></policy></busconfig>'''


def make_bundle(directory, root, name, command=('/bin/true',)):
    """What crun and runc read: the same namespaces, and no cgroup of its own."""
    bundle = f'{directory}/{name}'
    os.mkdir(bundle)
    mounts = [{'destination': '/proc', 'type': 'proc', 'source': 'proc'},
              {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'mode=755']},
              {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts', 'options': ['newinstance']}]
    with open(f'{bundle}/config.json', 'w') as file:
        json.dump({'ociVersion': '1.0.0', 'root': {'path': root}, 'mounts': mounts,
                   'process': {'args': command, 'cwd': '/', 'user': {'uid': 0, 'gid': 0}, 'env': ['PATH=/bin']},
                   'linux': {'namespaces': [{'type': kind} for kind in NAMESPACES]}}, file)
    return bundle


class Place:
    """Runs commands, and says which can be run at all."""

    prefix = ()

    def run(self, *command, **options):
        return subprocess.run([*self.prefix, *command], text=True, **options)

    def works(self, name, command):
        result = self.run(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode:
            print(f'{name} is left out: {result.stdout.strip() or result.returncode}')
        return result.returncode == 0

    def alternate(self, commands, rounds):
        """Return: for each name the milliseconds of each round."""
        able = {name: command for name, command in commands.items() if self.works(name, command)}
        lines = ''.join('\t'.join(command) + '\n' for command in able.values())
        result = self.run(self.alternator, str(rounds), input=lines, stdout=subprocess.PIPE, check=True)
        times = {name: [] for name in able}
        names = list(able)
        for line in result.stdout.splitlines():
            index, usec = line.split()
            times[names[int(index)]].append(int(usec) / 1000)
        return times


class Host(Place):
    """This machine, with a dbus-daemon and a manager of our own in our namespaces."""

    def __init__(self, build, directory):
        self.build, self.directory = build, directory
        self.root = subprocess.run([f'{HERE}/../lab/make-root'], text=True, stdout=subprocess.PIPE,
                                   check=True).stdout.strip()
        self.pflask = f'{build}/cli/pflask'
        self.alternator = f'{build}/tests/bench/alternate'
        self.bundle = make_bundle(directory, self.root, 'bundle')
        self.start()

    def works(self, name, command):
        if not shutil.which(command[0]):
            print(f'{name} is left out: it is not installed')
            return False
        return super().works(name, command)

    def start(self):
        rooms = ('service/manager', 'service/supervisor', 'service/container', 'cli')
        os.environ['PFLASK_LIBEXEC_DIRECTORY'] = ':'.join(f'{self.build}/{room}' for room in rooms)
        with open('/run/bus.conf', 'w') as configuration:
            configuration.write(BUS)
        self.bus = subprocess.Popen(['dbus-daemon', '--config-file=/run/bus.conf', '--nofork', '--print-address'],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.bus.stdout.readline()
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind('/run/notify')
        self.manager = subprocess.Popen([f'{self.build}/service/manager/pflask-manager', '--exit-idle-time=0'],
                                        env={**os.environ, 'NOTIFY_SOCKET': '/run/notify'}, stderr=subprocess.DEVNULL)
        while b'READY=1' not in notify.recv(4096):
            pass
        notify.close()

    def stop(self):
        for process in (self.manager, self.bus):
            process.terminate()
            process.wait()
        os.unlink('/run/notify')

    def restart(self):
        self.stop()
        self.start()


class Lab(Place):
    """The lab, booted around us by tests/lab/boot; everything but this script runs inside."""

    def __init__(self, build):
        if not os.environ.get('LAB_INIT'):
            sys.exit('bench: the lab is not booted')
        self.prefix = (f'{HERE}/../lab/in',)
        self.build = build
        self.root = '/srv/debian'
        self.pflask = 'pflask'
        self.alternator = '/run/build/tests/bench/alternate'

    def stop(self):
        pass
