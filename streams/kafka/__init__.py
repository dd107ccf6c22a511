"""What every part needs of Kafka: clients, topics, transactions.

Whoever imports anything from here gets aiokafka with our own classes in the place of some of its: `patches` has them
all, so that every part of the program reads and writes in the same way.
"""

from streams.kafka import patches

patches.apply()
