# What ci/merge-driver, ci/resolve and ci/pre-commit share. They run from the top of a work tree, as Git starts them.
# shellcheck shell=bash disable=SC2034

say() { printf '%s\n' "kubezero: $*" >&2; }

# Files that decide what `argocd/` holds; the last two say how it is written.
inputs=(components environments .gitattributes .gitignore)

# Fills `kubezero` with the program to use. It is never compiled here: a merge must not take minutes.
find_program() {
  kubezero=${KUBEZERO:-$(git config --get kubezero.program || true)}
  [ -n "$kubezero" ] || kubezero=$(command -v kubezero || true)
  if [ -z "$kubezero" ] && [ -x target/release/kubezero ]; then
    kubezero=$PWD/target/release/kubezero
  fi
  if [ -z "$kubezero" ]; then
    say "there is no kubezero: put it on PATH, or name it with \`git config kubezero.program /path/to/kubezero\`"
    return 1
  fi
}

# Absolute, for hooks are given relative ones.
git_dir=$(cd "$(git rev-parse --git-dir)" && pwd)
if [ -n "${GIT_INDEX_FILE:-}" ]; then
  case $GIT_INDEX_FILE in /*) ;; *) export GIT_INDEX_FILE=$PWD/$GIT_INDEX_FILE ;; esac
fi

# Writes what is staged below the given paths to a folder.
export_index() {
  local to=$1
  shift
  git ls-files -z --cached -- "$@" | git checkout-index -z --stdin --quiet --prefix="$to/"
}

# Renders in a folder that holds the inputs. Prints mistakes only.
render_in() {
  "$kubezero" --color never --quiet -C "$1" render
}
