"""Comments and complaints: filed by anybody, answered by agencies within a promise."""
