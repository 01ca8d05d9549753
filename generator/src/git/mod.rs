//! Git as a source of inputs and as the place where commits go. The only module that knows libgit2 and runs the user's `git`.
