"""What each verb of the command line does, as one function; `affekt.train` is `verbs.train.train`, and so on."""
