import lmchat as lms

model = lms.llm()
grammar = {"type": "gbnf", "gbnfGrammar": 'root ::= "yes" | "no"'}
print(model.respond("Is water wet?", response_format=grammar))
