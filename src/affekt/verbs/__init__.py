"""What each verb does, as one function: `affekt.train` is `affekt.verbs.train.train`, and so on."""
