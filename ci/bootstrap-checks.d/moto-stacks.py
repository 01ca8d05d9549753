#!/usr/bin/env python3
"""moto-stacks.py BOOTSTRAP: makes the stacks below BOOTSTRAP in the order of order.json, in an AWS that is only a library in this process (moto),
and deletes them the other way round. Nothing is reached over the network.

It fails where a stack cannot be made where it stands in the order, where something in it was not made, where an output has no value, where
a stack cannot be deleted, and where something is left over at the end.

What moto cannot do is left out or done for it, and named on a line that begins with `note:`.
"""

import json
import os
import pathlib
import sys
import warnings

import boto3
import yaml
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudformation import parsing
from moto.ec2.models import ec2_backends
from moto.ec2.models.route_tables import RouteTable
from moto.route53.models import route53_backends

warnings.simplefilter("ignore")


def help_moto():
    """Moto makes tables of routes and cannot take them away, so no VPC could be deleted. CloudFormation lets go of associations by itself."""

    def delete(table, account, region):
        ec2_backends[account][region].route_tables.pop(table.id, None)

    RouteTable.delete = delete


def known(template, session, notes):
    """The template with what moto can do, and what it does not know: that stays in, and is passed over."""
    unknown = set()
    for name, resource in template["Resources"].items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if parsing.resource_class_from_type(kind) is None:
            notes.add(f"moto has no {kind}")
            unknown.add(name)
        elif kind == "AWS::ElasticLoadBalancingV2::Listener" and properties["Protocol"] in ("TCP", "UDP", "TLS"):
            notes.add(f"moto's listeners cannot have {properties['Protocol']}: made with HTTP")
            properties["Protocol"] = "HTTP"
        elif kind == "AWS::Route53::RecordSet" and isinstance(properties.get("HostedZoneId"), str):
            # The zone is there before the cluster is.
            zones = route53_backends[os.environ["MOTO_ACCOUNT_ID"]]["aws"].zones
            if properties["HostedZoneId"] not in zones:
                answer = session.client("route53").create_hosted_zone(Name=properties["Name"], CallerReference=name)
                zones[properties["HostedZoneId"]] = zones[answer["HostedZone"]["Id"].split("/")[-1]]
    return unknown


def left_over(session, cluster):
    """What bears the cluster's name or tag and should be gone."""
    ec2, iam = session.client("ec2"), session.client("iam")
    ours = [{"Name": "tag:kubezero/cluster", "Values": [cluster]}]
    yield from (vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=ours)["Vpcs"])
    yield from (group["GroupId"] for group in ec2.describe_security_groups(Filters=ours)["SecurityGroups"])
    yield from (group["AutoScalingGroupName"] for group in session.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"])
    yield from (balancer["LoadBalancerName"] for balancer in session.client("elbv2").describe_load_balancers()["LoadBalancers"])
    yield from (role["RoleName"] for role in iam.list_roles()["Roles"] if f".{cluster}." in role["RoleName"])
    yield from session.client("sqs").list_queues().get("QueueUrls", [])


def main(bootstrap):
    order = json.loads((bootstrap / "order.json").read_text())
    facts = json.loads((bootstrap / "facts.json").read_text())
    session = boto3.session.Session(region_name=facts["aws"]["region"])
    cloudformation = session.client("cloudformation")
    wrong, notes, made = [], set(), []

    for stack in order["stacks"]:
        name = stack["name"]
        template = yaml.safe_load((bootstrap / stack["file"]).read_text())
        unknown = known(template, session, notes)
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in stack["parameters"].items()]
        try:
            cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=parameters, Capabilities=stack["capabilities"])
        except (ClientError, KeyError) as error:
            wrong.append(f"{name} cannot be made: {error}")
            continue
        made.append((name, template))
        there = {one.get("LogicalResourceId") for one in cloudformation.describe_stack_resources(StackName=name)["StackResources"]}
        missing = sorted(set(template["Resources"]) - there - unknown)
        if missing:
            wrong.append(f"{name}: not made: {', '.join(missing)}")
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in status.get("Outputs", [])}
        for output in template.get("Outputs") or {}:
            if not outputs.get(output) or outputs[output] == "None":
                wrong.append(f"{name}: the output {output} has no value")

    for name, template in reversed(made):
        keeps = [one["Type"] for one in template["Resources"].values() if one.get("DeletionPolicy", "Delete") == "RetainExceptOnCreate"]
        if keeps:
            notes.add("moto deletes what has RetainExceptOnCreate")
        try:
            cloudformation.delete_stack(StackName=name)
        except ClientError as error:
            wrong.append(f"{name} cannot be deleted: {error}")
    if not wrong:
        wrong += [f"left over after everything was deleted: {what}" for what in left_over(session, facts["cluster"]["name"])]

    for note in sorted(notes):
        print(f"note: {note}")
    print(f"{len(made)} stacks made and deleted" if not wrong else "\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        os.environ[variable] = "pretended"
    folder = pathlib.Path(sys.argv[1])
    help_moto()
    account = json.loads((folder / "facts.json").read_text())["aws"]["account"]
    os.environ["MOTO_ACCOUNT_ID"] = account
    with mock_aws():
        sys.exit(main(folder))
