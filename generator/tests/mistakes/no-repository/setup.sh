rm -r components environments
