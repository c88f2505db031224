"""An agent with two tools of your own, within a budget that it cannot pass."""

from scrimp import Agent, Budget, System, tool

POPULATION = {"Oslo": 717_710, "Bergen": 291_940, "Trondheim": 212_660}


@tool(pure=True)
def population(city: str) -> int:
    """Number of inhabitants of a city.

    Args:
        city: name of the city
    """
    return POPULATION[city]


@tool(pure=True, price="0.0001")
def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: first number
        b: second number
    """
    return a + b


def main() -> None:
    agent = Agent(System(model="local"), tools=[population, add], budget=Budget(usd="0.01", seconds=120))
    result = agent.run("How many people live in Oslo and Bergen together? Answer with the number only.")
    print(result.status, result.answer)
    print("cost", result.ledger.total.cost, "tokens", result.ledger.total.tokens.total)
    for name, cell in result.ledger.terms.items():
        print(f"  {name:10} {cell.calls:3} calls  {cell.tokens.total:6} tokens  {cell.cost}")


if __name__ == "__main__":
    main()
