"""What commands read from the command line: shared arguments and options, the service's address, values, completion."""
