"""Comments and complaints: submitted by citizens, answered by agencies within a service level."""
