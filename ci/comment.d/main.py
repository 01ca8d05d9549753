"""From pages to comments: what to create, what to change, what to delete."""

import argparse
import os
import pathlib
import re
import sys
import time

from forges import FORGES, headers_of, surroundings, token_of
from web import Refused, Unsure, Web, Wrong, plain, say

# Only at the very beginning: a comment that quotes it is not ours.
MARKER = re.compile(r"\A<!-- kubezero-review:v1 page ([1-9]\d{0,2})/([1-9]\d{0,2}) head=([0-9a-f]{40}|[0-9a-f]{64}) -->(?:\r?\n|\Z)")
API = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}


def read(paths):
    """The pages in order, and the commit that they review."""
    pages, heads, of = {}, set(), set()
    for path in paths:
        try:
            text = pathlib.Path(path).read_bytes().decode("utf-8-sig").replace("\0", "")
        except (OSError, UnicodeDecodeError) as error:
            raise Wrong(2, f"{path} cannot be read: {plain(error)}") from None
        marker = MARKER.match(text)
        if not marker:
            raise Wrong(
                2,
                f"{path} does not begin with the marker of a review of a commit\n"
                "  write it with `kubezero diff --head COMMIT --format markdown --output FILE`; a review of a work tree cannot be posted",
            )
        number = int(marker[1])
        if number in pages:
            raise Wrong(2, f"{path} is page {number}, and another file is too")
        pages[number] = text.rstrip() + "\n"
        of.add(int(marker[2]))
        heads.add(marker[3])
    if len(heads) != 1 or of != {len(pages)} or sorted(pages) != list(range(1, len(pages) + 1)):
        raise Wrong(2, "these files are not all pages of one review: give all of them, from one run")
    return [pages[number] for number in sorted(pages)], heads.pop()


def same(left, right):
    """Forges change line ends and cut what is empty at the end."""
    return left.replace("\r\n", "\n").rstrip() == right.replace("\r\n", "\n").rstrip()


def ours(forge):
    return [comment for comment in forge.comments() if MARKER.match(comment.body)]


def check_head(forge, head):
    now = forge.head()
    if now != head:
        raise Wrong(3, f"the {forge.thing} is at {plain(now, 12)} by now, and this review is of {head[:12]}: nothing is written")


def create(forge, text, known, patience, backoff):
    """Creates a comment once, even where the answer got lost. `known` are the numbers of those that were there before."""
    waited, tries = 0.0, 0
    while True:
        tries += 1
        try:
            forge.create(text)
            return
        except Refused as refused:
            raise forge.explained("POST", forge.comments_path(), refused) from None
        except Unsure as unsure:
            why = str(unsure)
        pause = backoff * 2 ** (tries - 1)
        if waited + pause > patience:
            raise Wrong(4, f"POST {forge.comments_path()}: {why}; {tries} tries. Run this step again later")
        say(f"POST {forge.comments_path()}: {why}; looking whether it is there in {pause:.1f} s")
        time.sleep(pause)
        waited += pause
        if any(comment.number not in known and same(comment.body, text) for comment in ours(forge)):
            return


def post(forge, pages, head, dry, patience, backoff):
    pages = [forge.prepared(page) for page in pages]
    for number, page in enumerate(pages, 1):
        if len(page) > forge.limit:
            raise Wrong(2, f"page {number} has {len(page)} characters, and the forge takes {forge.limit}; say `--limit {forge.limit}` to kubezero")
    check_head(forge, head)
    there = ours(forge)
    # Again after the list, which may have taken a while: what is newer wins.
    check_head(forge, head)
    done = {"created": 0, "updated": 0, "unchanged": 0, "deleted": 0}
    # By position, so that pages stay in order on the page: the oldest comment is page 1.
    for index, page in enumerate(pages):
        if index >= len(there):
            if not dry:
                create(forge, page, {comment.number for comment in there}, patience, backoff)
            done["created"] += 1
        elif same(there[index].body, page):
            done["unchanged"] += 1
        else:
            if not dry:
                forge.update(there[index].number, page)
            done["updated"] += 1
    for comment in there[len(pages) :]:
        if not dry:
            forge.delete(comment.number)
        done["deleted"] += 1
    said = ", ".join(f"{count} {what}" for what, count in done.items() if count)
    print(f"{'would be ' if dry else ''}{said}: {len(pages)} page{'s' if len(pages) > 1 else ''} of the review of {head[:12]}")


def options(doc):
    parser = argparse.ArgumentParser(prog="ci/comment", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="files of Markdown, all pages of one review")
    parser.add_argument("--forge", choices=sorted(FORGES), help="which one it is")
    parser.add_argument("--api", metavar="URL", help="address of its API, such as https://git.example.com/api/v1")
    parser.add_argument("--repository", metavar="OWNER/NAME", help="for GitLab the path or the number of the project")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pull", metavar="N", help="number of the pull request")
    which.add_argument("--pull-of", metavar="OWNER:BRANCH", help="the open pull request of this branch (GitHub; for forks)")
    parser.add_argument("--author", metavar="NAME", help="whose comments are ours, where the forge does not say who the token is")
    parser.add_argument("--dry-run", action="store_true", help="read, say what would be done, and write nothing")
    parser.add_argument("--timeout", type=float, default=20, metavar="SECONDS", help="of one request (default 20)")
    parser.add_argument("--patience", type=float, default=300, metavar="SECONDS", help="how long to wait for a busy forge (default 300)")
    parser.add_argument("--backoff", type=float, default=2, metavar="SECONDS", help=argparse.SUPPRESS)
    return parser


def connect(given):
    name, api, repository, pull = surroundings(os.environ)
    name, repository, pull = given.forge or name, given.repository or repository, given.pull or pull
    if not name:
        raise Wrong(2, "which forge is it? In its pipelines it is known; elsewhere say --forge, --repository and --pull")
    api = given.api or api or API.get(name)
    if not api:
        raise Wrong(2, f"where is it? Say --api, such as https://{name}.example.com/api/v1")
    if not repository or not re.fullmatch(r"[\w.-]+(/[\w.-]+)+" if name != "gitlab" else r"[\w.-]+(/[\w.-]+)*", repository) or ".." in repository:
        raise Wrong(2, f"{plain(repository or '')!r} is no repository; say --repository owner/name")
    if not given.pull_of and not re.fullmatch(r"[1-9]\d{0,9}", pull or ""):
        raise Wrong(2, "which pull request is it? Say --pull and its number")
    token = token_of(name, os.environ)
    web = Web(api, headers_of(name, token), token, given.timeout, given.patience, given.backoff)
    forge = FORGES[name](web, repository, pull, given.author)
    if given.pull_of:
        forge.find(given.pull_of)
    return forge


def main(doc):
    given = options(doc).parse_args()
    try:
        pages, head = read(given.pages)
        post(connect(given), pages, head, given.dry_run, given.patience, given.backoff)
        return 0
    except Wrong as wrong:
        say(wrong)
        return wrong.code
    except Unsure as unsure:
        say(f"{unsure}. Run this step again later")
        return 4
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit("this is a part of ci/comment")
