# One resource, one output and many bytes more than CloudFormation takes.
mkdir -p components/web/bootstrap/cfn
{
  printf 'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n'
  for number in $(seq 501); do
    printf '  Topic%s:\n    Type: AWS::SNS::Topic\n    Properties: {DisplayName: a topic with so long a name that there are many bytes}\n' "$number"
  done
  printf 'Outputs:\n'
  for number in $(seq 201); do
    printf '  Topic%s: {Value: {Ref: Topic%s}}\n' "$number" "$number"
  done
} >components/web/bootstrap/cfn/large.yaml.hbs
