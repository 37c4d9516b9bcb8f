"""What the tests on a cluster share: the cluster, a d2k under test with the shipped Role, and clients of it."""
