"""Machines that somebody owns: their files come by SSH, and their seed has said already what they are."""

import shlex

from world import Refused

TOOLS = "/usr/local/sbin/kubezero-"


def named(environment, role):
    """Names of the machines of a role, in their order; the first controller is the one that makes the cluster."""
    return sorted(name for name, machine in environment.facts["machines"].items() if machine["role"] == role)


def ssh(world, name, *command):
    """A command on a machine. Never asks for a password; a key that was seen before has to be the same."""
    environment = world.environment
    target = f"{environment.facts['ssh']['user']}@{environment.facts['machines'][name]['address']}"
    options = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "StrictHostKeyChecking=accept-new")
    return ("ssh", *options, target, shlex.join(command))


def install(world, name):
    """Makes a machine a node: lays its bundle where its seed expects it, and starts it. Leaves one alone that is a node."""
    environment = world.environment
    bundle = environment.facts["machines"][name]["role"]
    checksum = environment.facts["bundles"].get(bundle)
    if checksum is None:
        raise Refused(f"there is no bundle {bundle}: is the component nodes enabled, and everything rendered?")
    if world.look(*ssh(world, name, "true"), otherwise="") is None:
        raise Refused(f"{name} cannot be reached: {world.last_error}")
    said = world.look(*ssh(world, name, "sudo", "cat", "/etc/kubezero/node.env"))
    if not world.dry_run:
        facts = dict(line.partition("=")[::2] for line in (said or "").splitlines() if "=" in line)
        facts = {key: value.strip("'\"") for key, value in facts.items()}
        wanted = {"CLUSTER": environment.cluster["name"], "NODE_NAME": name}
        for key, value in wanted.items():
            if facts.get(key) != value:
                raise Refused(
                    f"wrong machine: {name} says {key}={facts.get(key) or 'nothing'} in /etc/kubezero/node.env, not {value}; "
                    "start it with its seed"
                )
        if is_node(world, name):
            world.say(f"{name} is a node already")
            return
        if facts.get("BUNDLE_SUM") != checksum:
            raise Refused(f"{name} was started with another seed (bundle {facts.get('BUNDLE_SUM')}): start it with the present one")
    store = f"/var/lib/kubezero/bundle/{checksum}"
    world.run(*ssh(world, name, "sudo", "mkdir", "-p", store))
    world.pipe(
        ("tar", "--create", "--file=-", "--owner=0", "--group=0", "--directory", environment.file(f"nodes/{bundle}"), "."),
        ssh(world, name, "sudo", "tar", "--extract", "--file=-", "--directory", store),
    )
    # Lays the files out and starts them. Whoever is not the first then waits for what only the cluster can give.
    tool(world, name, "fetch")
    if not world.dry_run and is_node(world, name):
        return
    # Whoever is not the first waits for what only the cluster can give. It comes from any controller that works: the first may be
    # the one that is made anew.
    controllers = [other for other in named(environment, "control-plane") if other != name]
    giver = (controllers or [name])[0] if world.dry_run else next((other for other in controllers if is_node(world, other)), None)
    if giver is None:
        raise Refused(f"{name} has not become a node, and no other controller is one; what it says is above")
    if bundle == "worker":
        world.pipe(ssh(world, giver, "sudo", TOOLS + "invite"), ssh(world, name, "sudo", TOOLS + "accept"))
    elif not world.dry_run or name != named(environment, "control-plane")[0]:
        # The keys of the whole cluster: from machine to machine, through this one's memory and no file.
        world.pipe(ssh(world, giver, "sudo", TOOLS + "keys", "export"), ssh(world, name, "sudo", TOOLS + "keys", "import"))
        tool(world, name, "bootstrap")
    if not world.dry_run and not is_node(world, name):
        raise Refused(f"{name} has not become a node; what it says is above")


def is_node(world, name):
    return world.look(*ssh(world, name, "sudo", "test", "-e", "/etc/kubernetes/kubelet.conf")) is not None


def tool(world, name, what):
    world.run(*ssh(world, name, "sudo", TOOLS + what))


def admin_conf(world):
    """The administrator's kubeconfig, from the first controller, as one line of Base64."""
    controllers = named(world.environment, "control-plane")
    if not controllers:
        raise Refused("the environment names no controller: list the machines under `cluster.machines`")
    command = ssh(world, controllers[0], "sudo", "base64", "--wrap=0", "/etc/kubernetes/admin.conf")
    text = world.look(*command)
    if text is None and not world.dry_run:
        raise Refused(f"{controllers[0]} has no kubeconfig: {world.last_error}")
    return text
